/**
 * Draw Motion first among the nodes that a search finds.
 *
 * The host ranks what it finds by names, then by how often a node is used in public workflows; what
 * it found by an alias comes last, after nodes in whose names the letters happen to follow each other
 * ("ati" in "Generation"). Every entry may have a say in its own rank, and the entries of this pack
 * take it: an alias that begins with what was typed counts as a name that does, and Draw Motion comes
 * before the other nodes of the pack. Ranks of other packs' entries are left alone.
 */

import { app } from "../../scripts/app.js";
import { rankedScores } from "./model/search_rank.js";

const PREFIX = "MotionPrompting";
const FIRST = `${PREFIX}DrawMotion`;

app.registerExtension({
  name: "motion_prompting.node_search",
  beforeRegisterVueAppNodeDefs(defs) {
    for (const def of defs) {
      if (!def.name?.startsWith(PREFIX)) continue;
      def.postProcessSearchScores = (scores) => rankedScores(scores, def.name === FIRST);
    }
  },
});
