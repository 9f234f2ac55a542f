/// <reference types="node" preserve="true" />
export {
  instrumentHmEtcd,
  type HmEtcdInstrumentation,
  type HmEtcdInstrumentationOptions,
} from './instrument-hmetcd.js';
