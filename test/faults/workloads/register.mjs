const OPERATORS = ['=', '!=', '<', '>'];

/** Before them UTF-8 and UTF-16 order texts in different ways. */
const BEGINNINGS = ['', '', '\uffee', '\u{10000}'];

/** Every operation on one key, on few keys. */
export async function register(client) {
  const { kvi, dice, requestMs } = client;
  const lane = client.lane('register');
  /** What was found last: often what is still there. */
  let found = '';
  const newValue = () => dice.pick(BEGINNINGS) + client.newValue();
  const get = async (key) => {
    const { ok } = await lane.do('get', key, null, requestMs, () => kvi.get(key));
    found = ok ?? found;
  };
  const store = (key) => {
    const value = newValue();
    return lane.do('store', key, value, requestMs, () => kvi.store(key, value));
  };
  const create = (key) => {
    const value = newValue();
    return lane.do('create', key, value, requestMs, () => kvi.createIfAbsent(key, value));
  };
  const tas = (key) => {
    const input = { test: found, set: newValue() };
    return lane.do('tas', key, input, requestMs, () => kvi.tas(key, input.test, input.set));
  };
  const transaction = (key) => {
    const input = { operator: dice.pick(OPERATORS), value: found, thenValue: newValue() };
    if (dice.percent(30)) input.elseValue = newValue();
    const otherwise = input.elseValue === undefined ? [] : [key, input.elseValue];
    return lane.do('transaction', key, input, requestMs, () =>
      kvi.transaction(key, input.operator, input.value, key, input.thenValue, ...otherwise),
    );
  };
  const remove = (key) => lane.do('delete', key, null, requestMs, () => kvi.delete(key));
  const operations = [
    ...Array(8).fill(get),
    ...Array(4).fill(store),
    ...Array(5).fill(tas),
    ...Array(2).fill(transaction),
    create,
    remove,
  ];
  while (!client.isOver) {
    await dice.pick(operations)(client.key('reg'));
    await client.rest();
  }
}
