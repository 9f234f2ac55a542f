/** A process that imports a module, then opens an endpoint with it if it can, and tells which files it loaded for either. */
import { Session } from 'node:inspector';

const [, , specifier, endpoint] = process.argv;
const silent = { debug() {}, log() {}, warn() {}, error() {} };
const loaded = [];

// Tells of every script, whichever module system it belongs to.
const session = new Session();
session.connect();
session.on('Debugger.scriptParsed', ({ params: { url } }) => loaded.push(url));
session.post('Debugger.enable');

const { open } = await import(specifier);
const byImport = loaded.splice(0);
// No server is there: it is asked for all the same.
if (endpoint !== undefined) await open(endpoint, { connectTimeoutMs: 2500, logger: silent }).catch(() => {});
process.stdout.write(JSON.stringify({ byImport, byOpen: loaded }));
process.exit();
