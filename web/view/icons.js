/** The icons of the editor on a 16 by 16 grid; tools bring their own. */

import { TOOLS } from "../tools/index.js";

const SHAPES = {
  ...Object.fromEntries(TOOLS.map(({ name, icon }) => [name, icon])),
  play: '<path class="f" d="M5 3.200v9.600l7.500-4.800z"/>',
  pause: '<path class="f" d="M4.500 3.500h2.300v9H4.500zM9.200 3.500h2.300v9H9.200z"/>',
  start: '<path class="f" d="M12 3.500v9L6 8z"/><path d="M4.500 3.500v9"/>',
  loop: '<path d="M3 7.500a4 4 0 0 1 4-3.500h5.500M10.700 2.200L12.500 4l-1.800 1.800M13 8.500A4 4 0 0 1 9 12H3.500M5.300 13.800L3.500 12l1.800-1.800"/>',
  eye: '<path d="M1.800 8C4 4.700 6 3.800 8 3.800S12 4.700 14.200 8C12 11.300 10 12.200 8 12.200S4 11.300 1.800 8z"/><circle cx="8" cy="8" r="1.900"/>',
  hidden: '<path d="M2 8.500c2 2.600 4 3.500 6 3.500s4-.9 6-3.500M4.200 11l-1 1.700M8 12v2M11.800 11l1 1.700"/>',
  locked: '<rect x="3.800" y="7.200" width="8.400" height="6" rx="1.300"/><path d="M5.500 7V5.200a2.500 2.500 0 0 1 5 0V7"/>',
  unlocked: '<rect x="3.800" y="7.200" width="8.400" height="6" rx="1.300"/><path d="M5.500 7V5a2.500 2.500 0 0 1 4.800-1"/>',
  fit: '<path d="M2.500 5.500v-3h3M10.500 2.500h3v3M13.500 10.500v3h-3M5.500 13.500h-3v-3"/>',
  expand: '<path d="M9.500 2.500h4v4M13.500 2.500L9 7M6.500 13.500h-4v-4M2.500 13.500L7 9"/>',
  shrink: '<path d="M13.500 6.500h-4v-4M9.500 6.500L14 2M2.500 9.500h4v4M6.500 9.500L2 14"/>',
  sliders: '<path d="M2.500 4.500h6M12 4.500h1.500M2.500 11.500H4M7.500 11.500h6"/><circle cx="10.200" cy="4.500" r="1.700"/><circle cx="5.700" cy="11.500" r="1.700"/>',
  more: '<circle class="f" cx="3.500" cy="8" r="1.100"/><circle class="f" cx="8" cy="8" r="1.100"/><circle class="f" cx="12.500" cy="8" r="1.100"/>',
  help: '<circle cx="8" cy="8" r="5.800"/><path d="M6.200 6.300c.2-2.300 3.700-2.200 3.700 0 0 1.400-1.900 1.500-1.900 2.900"/><circle class="f" cx="8" cy="11.300" r=".6"/>',
  trash: '<path d="M3 4.500h10M6.200 4.500V3h3.600v1.500M4.300 4.500l.6 8.500h6.200l.6-8.500"/>',
  sketch: '<path d="M2.500 3.500h11v9h-11z"/><path d="M2.500 6.500c3 1.500 4-1.500 11 0M2.500 9.700c3 1.500 5-1.700 11 0M6 3.500c1 3-1 5 0 9M10 3.500c1 3-1 5 0 9"/>',
  marks: '<circle class="f" cx="4" cy="4.500" r="1.300"/><circle class="f" cx="8.500" cy="8" r="1.300"/><circle class="f" cx="12" cy="12" r="1.300"/><path d="M4 4.500L8.500 8l3.500 4"/>',
  rest: '<circle cx="8" cy="3.800" r="1.500"/><path d="M8 5.300v8.200M5.700 7.500h4.600M2.800 9.300c.4 2.800 2.500 4.200 5.200 4.200s4.800-1.400 5.200-4.200"/>',
  grid: '<path d="M2.500 6.200h11M2.500 9.800h11M6.200 2.500v11M9.800 2.500v11"/>',
  timeline: '<path d="M2.500 4h6M5 8h8.500M3.500 12h6"/>',
};

/** An icon by name, as an SVG element. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("mp-icon");
  svg.innerHTML = SHAPES[name];
  return svg;
}
