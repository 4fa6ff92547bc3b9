/** Methods of a node of the graph, extended. */

/** Calls `after` after a method of the node, which other packs may have replaced. */
export function chain(node, name, after) {
  const before = node[name];
  node[name] = function (...args) {
    const result = before?.apply(this, args);
    after(...args);
    return result;
  };
}
