/** Async functions around a plain Map: the least that an embedded store could cost. */
export async function connect() {
  const map = new Map();
  return {
    async get(key) {
      return map.get(key);
    },
    async store(key, value) {
      map.set(key, value);
    },
    async tas(key, testValue, setValue) {
      if (map.get(key) !== testValue) return false;
      map.set(key, setValue);
      return true;
    },
    async transaction(key, op, value, thenKey, thenValue, elseKey, elseValue) {
      const holds = map.get(key) === value;
      if (holds) map.set(thenKey, thenValue);
      else map.set(elseKey, elseValue);
      return holds;
    },
    async close() {
      map.clear();
    },
  };
}
