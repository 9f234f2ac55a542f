/** Who can watch, lock and read ranges there. An embedded store has nobody beside it. */
export function contendersOn(store) {
  return store === 'etcd' ? ['ours', 'etcd3', 'raw'] : ['ours'];
}
