/**
 * Camera: a point of the scene follows the pointer while the camera moves. It makes no tracks of
 * its own: Camera Path turns it into a camera path.
 */

import { stillTracks } from "../model/dots.js";
import { pointerAt } from "../model/sample.js";
import { drawPathLayer } from "./drawing.js";
import { pacingField } from "./fields.js";
import { freehandTool } from "./freehand.js";
import { isRecorded, pathLine, pathTicks } from "./path.js";

const TYPE = "camera_grab";
const DASH = [7, 5];
const NO_TRACKS = stillTracks(new Float64Array());

export const CAMERA = {
  type: TYPE,
  title: "Camera",
  tools: [
    {
      name: "camera",
      key: "c",
      label: "Camera: grab the scene",
      hint: "Grab the scene and move the camera. Needs depth when it runs.",
      icon: '<rect x="2" y="4.500" width="8.500" height="7" rx="1.500"/><path d="M10.500 7.200L14 5v6l-3.500-2.200z"/>',
      make: () => freehandTool(TYPE),
      parts: (settings) => [{ title: "Next motion", fields: [pacingField(settings)] }],
    },
  ],
  editTool: null,
  hasPath: true,
  hasTiming: true,
  check: (fields) => fields.path(),
  tracks: () => NO_TRACKS,
  outline: () => null,
  line: pathLine,
  ticks: pathTicks,
  draw: (context, layer, style) => drawPathLayer(context, layer, style, { dash: DASH }),
  parts: () => [],
  canSelectPoint: (layer) => !isRecorded(layer),
  canMovePoint: () => false,
  pictureShift(layer, time, drawnOn) {
    const [x, y] = pointerAt(layer, time, drawnOn).point;
    return [x - layer.points[0][1], y - layer.points[0][2]];
  },
};
