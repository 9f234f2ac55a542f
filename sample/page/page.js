// Shows what `/live` tells, and sends what is typed into the limits. Everything is put in as text.

/** The server has a pulse of 2 s: without three of them the connection is dead, whatever it looks like. */
const DEAD_AFTER_MS = 7000;
const TICK_MS = 1000;
const CHANGES_SHOWN = 20;

const byId = (id) => document.getElementById(id);
const clock = new Intl.DateTimeFormat('en', { timeStyle: 'medium', hourCycle: 'h23' });
const inOrder = new Intl.Collator('en', { numeric: true }).compare;

/** A copy of a template, and its parts by their names. */
function copyOf(template) {
  const element = byId(template).content.firstElementChild.cloneNode(true);
  const parts = {};
  for (const part of element.querySelectorAll('[data-part]')) parts[part.dataset.part] = part;
  return { element, parts };
}

/** Writes only what differs: selections, and readers of the screen, stay undisturbed. */
function write(element, text, state) {
  if (element.textContent !== text) element.textContent = text;
  if (state !== undefined && element.dataset.state !== state) element.dataset.state = state;
}

// --- The changes

function note(kind, what, state) {
  const { element, parts } = copyOf('change-item');
  const now = new Date();
  write(parts.kind, kind, state);
  write(parts.what, what);
  write(parts.time, clock.format(now));
  parts.time.dateTime = now.toISOString();
  const list = byId('changes');
  list.prepend(element);
  while (list.children.length > CHANGES_SHOWN) list.lastElementChild.remove();
  byId('changes-empty').hidden = true;
}

function announce(text) {
  byId('announcement').textContent = text;
}

// --- The nodes

/** By name: the row, and when the node reported last. Undefined until the first list, which is no news. */
let nodes;
/** What the server's clock is ahead of this one. */
let clockAheadMs = 0;

function showNodes(list) {
  const isNews = nodes !== undefined;
  nodes ??= new Map();
  const present = new Set(list.map(({ node }) => node));
  for (const gone of [...nodes.keys()].filter((name) => !present.has(name))) dropNode(gone);
  for (const view of list) putNode(view, isNews);
  summarize();
}

function showNode({ node, view }) {
  if (view === undefined) dropNode(node);
  else putNode(view, true);
  summarize();
}

function putNode({ node: name, status, lastHeartbeat }, isNews) {
  const node = nodes.get(name) ?? addNode(name);
  if (isNews && node.status !== status) noteNode(name, node.status === undefined ? 'joined' : status);
  node.status = status;
  node.heardAt = Date.parse(lastHeartbeat);
  write(node.parts.status, status, status === 'alive' ? 'good' : 'warn');
  writeAge(node);
}

function addNode(name) {
  const node = copyOf('node-row');
  write(node.parts.node, name);
  const next = [...byId('nodes').rows].find((row) => inOrder(row.cells[0].textContent, name) > 0);
  byId('nodes').insertBefore(node.element, next ?? null);
  nodes.set(name, node);
  return node;
}

function dropNode(name) {
  const node = nodes.get(name);
  if (node === undefined) return;
  node.element.remove();
  nodes.delete(name);
  noteNode(name, 'removed');
}

function noteNode(name, kind) {
  const [word, state] = kind === 'alive' ? ['recovered', 'good'] : [kind, NODE_STATES[kind] ?? 'warn'];
  note(word, name, state);
}

const NODE_STATES = { joined: 'good', removed: 'gone' };

function summarize() {
  const all = [...nodes.values()];
  const alive = all.filter(({ status }) => status === 'alive').length;
  const text = `${alive} alive, ${all.length - alive} stale`;
  write(byId('nodes-summary'), all.length === 0 ? 'None has reported yet.' : text);
}

function writeAge({ parts, heardAt }) {
  write(parts.age, age(Date.now() + clockAheadMs - heardAt));
}

function age(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 1) return 'just now';
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  return `${Math.floor(seconds / 3600)} h ago`;
}

// --- The instances

let self = {};
let instances;

function showSelf({ host, pid }) {
  self = { host, pid };
  write(byId('self'), `process ${pid} on ${host}`);
}

function showInstances(list) {
  const before = instances;
  instances = new Map(list.map((instance) => [instance.id, instance]));
  byId('instances').replaceChildren(...list.map(instanceRow));
  if (before === undefined) return;
  for (const [id, instance] of instances) if (!before.has(id)) noteInstance(instance, 'came', 'good');
  for (const [id, instance] of before) if (!instances.has(id)) noteInstance(instance, 'left', 'gone');
}

function instanceRow({ host, pid, startedAt }) {
  const { element, parts } = copyOf('instance-row');
  write(parts.pid, String(pid));
  if (pid === self.pid && host === self.host) write(parts.self, 'this page');
  write(parts.host, host);
  write(parts.since, clock.format(new Date(startedAt)));
  parts.since.dateTime = startedAt;
  return element;
}

function noteInstance({ pid, host }, kind, state) {
  note(kind, `instance ${pid} on ${host}`, state);
  announce(`Instance ${pid} on ${host} ${kind}`);
}

// --- The sweep's lock

let sweep;
let lastHolder;

/** A sweep is over in milliseconds: shown at the next tick, so that nothing flickers. */
function showSweep(lock) {
  sweep = lock;
  lastHolder = lock.holder ?? lastHolder;
}

function writeSweep() {
  if (sweep === undefined) return;
  const { holder, queue } = sweep;
  write(byId('sweep-state'), holder ? 'held' : 'free', holder ? 'good' : 'wait');
  write(byId('sweep-holder-title'), holder ? 'Holder' : 'Last holder');
  if (lastHolder) {
    write(byId('sweep-holder'), placeName(lastHolder));
    write(byId('sweep-token'), String(lastHolder.fencingToken));
  }
  write(byId('sweep-queue'), queue.map(placeName).join(', ') || 'nobody');
}

/** Holders that do not say who they are have a lease all the same. */
function placeName({ host, pid, lease }) {
  return pid === undefined ? `lease ${lease}` : `process ${pid} on ${host}`;
}

// --- The limits

let limits;
const form = byId('limits');
const fields = [...form.querySelectorAll('input')];
const errorOf = (field) => byId(`${field.name}-error`);

function showLimits(current) {
  for (const field of fields) {
    const value = String(current[field.name]);
    const isEdited = field.value !== field.defaultValue;
    // What Undo goes back to; what somebody is typing stays.
    field.defaultValue = value;
    if (!isEdited) field.value = value;
    write(byId(`${field.name}-now`), `in force: ${value}`);
  }
  if (limits !== undefined && !sameLimits(limits, current)) {
    const what = `stale after ${current.staleAfterMs} ms, removed after ${current.removeStaleAfterMs} ms`;
    note('limits', what, 'wait');
    announce(`Limits: ${what}`);
  }
  limits = current;
}

function sameLimits(one, other) {
  return fields.every(({ name }) => one[name] === other[name]);
}

async function saveLimits() {
  // What is no number goes as null: what may stand here is for the server to say.
  const body = JSON.stringify(Object.fromEntries(fields.map((field) => [field.name, field.valueAsNumber])));
  const headers = { 'content-type': 'application/json' };
  const response = await fetch('limits', { method: 'PUT', headers, body });
  const answer = await response.json();
  if (response.ok) return showOutcome('Saved', 'good');
  const messages = [answer.message].flat().map(String);
  for (const field of fields) showError(field, messages);
  const field = fields.find((one) => one.ariaInvalid === 'true');
  field?.focus();
  showOutcome(field ? 'Not saved' : `Not saved: ${messages.join(', ')}`, 'bad');
}

/** The server's messages begin with the name of the field; of several the last is the one that the others follow from. */
function showError(field, messages) {
  const message = messages.findLast((one) => one.startsWith(`${field.name} `));
  field.ariaInvalid = message === undefined ? null : 'true';
  write(errorOf(field), message === undefined ? '' : `It ${message.slice(field.name.length + 1)}.`);
}

function clearOutcome() {
  for (const field of fields) showError(field, []);
  showOutcome('', 'wait');
}

function showOutcome(text, state) {
  write(byId('limits-outcome'), text, state);
}

form.addEventListener('reset', clearOutcome);
form.addEventListener('submit', (event) => {
  event.preventDefault();
  clearOutcome();
  saveLimits().catch(() => showOutcome('Not saved: the instance did not answer', 'bad'));
});

// --- The connection

let source;
let heardAt;

const show = {
  self: showSelf,
  pulse: showPulse,
  nodes: showNodes,
  node: showNode,
  instances: showInstances,
  sweep: showSweep,
  limits: showLimits,
};

function connect() {
  source?.close();
  heardAt = performance.now();
  source = new EventSource('live');
  for (const [type, showOne] of Object.entries(show)) {
    source.addEventListener(type, ({ data }) => {
      heardAt = performance.now();
      showOne(JSON.parse(data));
    });
  }
  source.addEventListener('error', showLost);
}

function showPulse({ now, staleSince }) {
  clockAheadMs = now - Date.now();
  const text = staleSince ? `Store not reached since ${clock.format(new Date(staleSince))}` : 'Live';
  write(byId('connection'), text, staleSince ? 'warn' : 'good');
}

function showLost() {
  write(byId('connection'), 'Connection lost, trying again', 'bad');
}

function tick() {
  if (nodes) for (const node of nodes.values()) writeAge(node);
  writeSweep();
  if (performance.now() - heardAt < DEAD_AFTER_MS) return;
  showLost();
  connect();
}

connect();
setInterval(tick, TICK_MS);
