/**
 * The types of layers. A type is one module in this folder and one entry in `LAYERS`; every other
 * file asks here and never depends on a type's name. Everything in this folder is pure: it draws on
 * a canvas context that it is given and describes fields as data, and never touches a page.
 *
 * A type is an object with
 *   type:      its "type" in a MOTION document
 *   title:     what a layer without a name is called
 *   tools:     the tools that draw it, in the order of the toolbar (see web/tools/index.js); the
 *              first one's icon is the layer's
 *   editTool:  the name of the tool that a double click on the layer opens, or null
 *   hasPath:   whether its points are [time, x, y] along a drawn line
 *   hasTiming: whether it has a window in time
 *   check(fields):  takes its own fields (see checks.js), which throws Error for invalid ones
 *   tracks(layer, size, drawnOn):  the preview of its tracks, as web/model/dots.js makes them
 *   outline(layer, size):  its closed outline at time zero in fractions, or null
 *   draw(context, layer, style):  draws it; `style` is {view, time, size, drawnOn, frames, motions,
 *              tool, point, movers, things, color, isSelected, isFaint}; movers are the layers that
 *              move, things what a run has cut out for them (web/model/things.js)
 *   parts(layer, state):  the parts of the inspector between "Point" and "Time" (see fields.js);
 *              `state` is {size, time}
 *   canSelectPoint(layer), canMovePoint(layer):  whether single points can be chosen, and dragged
 * and may have
 *   hasHandles(layer):   whether its points have handles that can be dragged
 *   grab(layer, pointer, context):  what a press on a part of the selected layer begins (grab.js)
 *   line(layer, scene):  its path in the picture, in fractions; scene is {size, drawnOn,
 *              frames}
 *   ticks(layer, scene): where it is on that path at each frame, in fractions
 *   movedPoints(layer, points, time, size):  where points of its outline are at a clip time
 *   pictureShift(layer, time, drawnOn):  how far it shifts the whole picture, in fractions
 *   keyTimes(layer):     the layer times of its keys, for the timeline
 *   erasePoint(layer, index):  the fields that are left when one point is erased, or null where the
 *              whole layer goes
 */

import { NO_THINGS } from "../model/things.js";
import { CAMERA } from "./camera.js";
import { DRAG } from "./drag.js";
import { PIN, THE_REST, holdsRest, restTracks } from "./pin.js";
import { REGION } from "./region.js";
import { SPHERE } from "./sphere.js";


/** Every type of layer, in the order of their tools in the toolbar. */
export const LAYERS = [DRAG, PIN, SPHERE, REGION, CAMERA];

const byType = new Map(LAYERS.map((layerType) => [layerType.type, layerType]));

export { THE_REST, holdsRest };

/**
 * The tracks of all layers, in their order; a layer that holds the rest keeps off the moving ones,
 * and off the `things` that a run has found.
 */
export function tracksOf(layers, size, drawnOn, things = NO_THINGS) {
  const tracks = layers.map((layer) => layerType(layer).tracks(layer, size, drawnOn));
  const groups = layers
    .map((layer, place) => ({ layer, dots: tracks[place].dots }))
    .filter(({ layer }) => layerType(layer).hasTiming);
  return layers.map((layer, place) =>
    holdsRest(layer) ? restTracks(layer, tracks[place], groups, { size, things }) : tracks[place],
  );
}

/** The type of a layer, or undefined for one that this editor does not know. */
export function layerType({ type }) {
  return byType.get(type);
}
