export { HmEtcdHealthIndicator, type HmEtcdHealthOptions } from './hmetcd.health.js';
