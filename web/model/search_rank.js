/** The rank of an entry of the host's node search. */

// The host's kinds of matches: the name starts with what was typed; it does not contain it.
const STARTS = 1;
const ELSEWHERE = 9;
// The last score of a match is its inaccuracy plus at most this for the length of the name.
const LENGTH_PENALTY = 0.2;

/**
 * The scores of a match, by which the host sorts, the least first. `scores` is the kind of match,
 * ties between matches of one kind, and the inaccuracy; the result has the rank inside of the pack in
 * the second place, where the host has how often a node is used.
 */
export function rankedScores([kind, ...ties], isFirst) {
  // Not in its names and yet found without inaccuracy: at the beginning of an alias.
  const isAlias = kind === ELSEWHERE && ties.at(-1) < LENGTH_PENALTY;
  return [isAlias ? STARTS : kind, isFirst ? 0 : 1, ...ties];
}
