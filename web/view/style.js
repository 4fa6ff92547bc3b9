/** The look of the editor, in ComfyUI's own colors where the page has them. */

const ID = "motion-prompting-style";

/** Adds the style sheet to the page, once. */
export function addStyle() {
  if (document.getElementById(ID)) return;
  const style = document.createElement("style");
  style.id = ID;
  style.textContent = CSS;
  document.head.append(style);
}

const CSS = `
.mp-editor { position: relative; width: 100%; height: 100%; min-height: 0; box-sizing: border-box; }
.mp-body, .mp-body *, .mp-body *::before { box-sizing: border-box; }
.mp-body {
  --mp-bg: var(--comfy-menu-bg, #23252b);
  --mp-fg: var(--fg-color, #e6e8ec);
  --mp-quiet: var(--descrip-text, #9aa0ab);
  --mp-line: var(--border-color, #3a3d45);
  --mp-field: var(--comfy-input-bg, #17181c);
  --mp-accent: #5b9dff;
  --mp-names: 148px;
  position: absolute; inset: 0; display: flex; flex-direction: column; overflow: hidden;
  background: var(--mp-bg); color: var(--mp-fg); border: 1px solid var(--mp-line); border-radius: 8px;
  font: 12px/1.35 system-ui, -apple-system, "Segoe UI", Inter, sans-serif; outline: none;
  user-select: none; -webkit-user-select: none; container-type: size; text-align: left;
}
.mp-body:focus-within { border-color: color-mix(in srgb, var(--mp-accent) 70%, var(--mp-line)); }
.mp-body [hidden] { display: none !important; }
.mp-body h4 { margin: 0; font-size: 11px; font-weight: 600; color: var(--mp-quiet); }
.mp-body p { margin: 6px 0; }
.mp-quiet { color: var(--mp-quiet); }
.mp-space { flex: 1; }
.mp-group { display: flex; gap: 1px; align-items: center; }
.mp-icon { width: 16px; height: 16px; fill: none; stroke: currentColor; stroke-width: 1.4;
  stroke-linecap: round; stroke-linejoin: round; pointer-events: none; display: block; }
.mp-icon .f { fill: currentColor; stroke: none; }

.mp-toolbar, .mp-transport { display: flex; align-items: center; gap: 8px; padding: 3px 5px; flex: none; }
.mp-toolbar { border-bottom: 1px solid var(--mp-line); }
.mp-transport { border-top: 1px solid var(--mp-line); font-variant-numeric: tabular-nums; white-space: nowrap; }
.mp-button { all: unset; cursor: pointer; width: 27px; height: 26px; display: grid; place-items: center;
  border-radius: 6px; color: var(--mp-quiet); transition: background 0.12s, color 0.12s; }
.mp-button:hover { color: var(--mp-fg); background: color-mix(in srgb, var(--mp-fg) 10%, transparent); }
.mp-button[aria-pressed="true"] { color: var(--mp-accent); background: color-mix(in srgb, var(--mp-accent) 16%, transparent); }
.mp-toolbar .mp-button[data-tool][aria-pressed="true"] { color: #fff; background: #3576dc; }
.mp-button:focus-visible, .mp-word:focus-visible, .mp-choice:focus-visible, .mp-entry:focus-visible { outline: 2px solid var(--mp-accent); outline-offset: -2px; }
.mp-frame { min-width: 62px; font-weight: 600; }
.mp-readout { color: var(--mp-quiet); overflow: hidden; text-overflow: ellipsis; }

.mp-view { position: relative; flex: 1 1 0; min-height: 120px; overflow: hidden;
  background: color-mix(in srgb, var(--mp-field) 82%, #000); }
.mp-canvas { position: absolute; inset: 0; width: 100%; height: 100%; display: block; touch-action: none; outline: none; }
.mp-notices { position: absolute; inset: 6px; display: flex; flex-direction: column; justify-content: space-between;
  align-items: center; pointer-events: none; }
.mp-badges { display: flex; gap: 6px; align-self: flex-end; flex-wrap: wrap; justify-content: flex-end; }
.mp-badge, .mp-hint { padding: 3px 9px; border-radius: 99px; font-size: 11px; color: #fff;
  background: rgba(16, 18, 24, 0.74); backdrop-filter: blur(4px); }
.mp-badge-note { background: rgba(40, 78, 140, 0.92); border-radius: 10px; }
.mp-badge-canvas { background: rgba(150, 92, 12, 0.9); display: flex; gap: 8px; align-items: center; pointer-events: auto; }
.mp-badge-sketch::before { content: ""; display: inline-block; width: 6px; height: 6px; border-radius: 50%;
  background: #ffb02e; margin-right: 6px; vertical-align: 1px; }
.mp-link { all: unset; cursor: pointer; text-decoration: underline; }
.mp-hint { max-width: 92%; text-align: center; }

.mp-timeline { position: relative; flex: none; height: var(--mp-timeline-node, 121px); overflow-y: auto; overflow-x: hidden;
  scrollbar-width: thin; }
.mp-splitter { position: relative; flex: none; height: 1px; background: var(--mp-line); cursor: ns-resize; touch-action: none; outline: none; z-index: 5; }
.mp-splitter::before { content: ""; position: absolute; inset: -4px 0; }
.mp-splitter::after { content: ""; position: absolute; top: -1px; left: 50%; width: 44px; margin-left: -22px; height: 3px; border-radius: 2px;
  background: color-mix(in srgb, var(--mp-fg) 35%, transparent); pointer-events: none; }
.mp-splitter:hover, .mp-splitter:focus-visible { background: var(--mp-accent); }
.mp-splitter:hover::after, .mp-splitter:focus-visible::after { background: var(--mp-accent); }
.mp-ruler, .mp-row { display: flex; align-items: stretch; }
.mp-ruler { position: sticky; top: 0; z-index: 3; background: var(--mp-bg); height: 20px; }
.mp-corner { width: var(--mp-names); flex: none; padding: 3px 8px; font-size: 10px; color: var(--mp-quiet); }
.mp-scale { position: relative; flex: 1; margin-right: 12px; cursor: ew-resize; touch-action: none; font-size: 10px; color: var(--mp-quiet); }
.mp-scale span { position: absolute; top: 2px; padding-left: 3px; height: 100%; border-left: 1px solid var(--mp-line); pointer-events: none; }
.mp-lanes { position: absolute; top: 0; bottom: 0; left: var(--mp-names); right: 12px; pointer-events: none; min-height: 100%; z-index: 4; }
.mp-playhead { position: absolute; top: 0; bottom: 0; width: 0; border-left: 1.5px solid var(--mp-accent); }
.mp-playhead::before { content: ""; position: absolute; top: 0; left: -5px; border: 4.5px solid transparent;
  border-top: 6px solid var(--mp-accent); border-bottom: 0; }
.mp-empty { padding: 5px 8px 9px; color: var(--mp-quiet); }
.mp-row { height: 25px; border-top: 1px solid color-mix(in srgb, var(--mp-line) 55%, transparent); }
.mp-row:hover { background: color-mix(in srgb, var(--mp-fg) 4%, transparent); }
.mp-row.mp-chosen { background: color-mix(in srgb, var(--mp-accent) 13%, transparent); }
.mp-row.mp-drop { box-shadow: inset 0 2px var(--mp-accent); }
.mp-row.mp-off .mp-name, .mp-row.mp-off .mp-kind, .mp-row.mp-off .mp-lane { opacity: 0.4; }
.mp-head { width: var(--mp-names); flex: none; display: flex; align-items: center; gap: 4px; padding: 0 9px 0 6px; }
.mp-head .mp-button { width: 18px; height: 22px; }
.mp-head .mp-button .mp-icon { width: 13px; height: 13px; }
.mp-head .mp-button:not([aria-pressed="true"]) { opacity: 0; }
.mp-row:hover .mp-button, .mp-chosen .mp-button, .mp-head .mp-button:focus-visible { opacity: 1 !important; }
.mp-color { appearance: none; -webkit-appearance: none; width: 11px; height: 11px; padding: 0; border: 0; border-radius: 50%; overflow: hidden; flex: none; cursor: pointer; background: none; }
.mp-color::-webkit-color-swatch-wrapper { padding: 0; }
.mp-color::-webkit-color-swatch { border: 0; border-radius: 50%; }
.mp-color::-moz-color-swatch { border: 0; border-radius: 50%; }
.mp-kind { color: var(--mp-quiet); cursor: grab; }
.mp-kind .mp-icon { width: 13px; height: 13px; }
.mp-name { flex: 1; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; cursor: grab; line-height: 24px; }
.mp-rename { width: 100%; font: inherit; color: inherit; background: var(--mp-field); border: 1px solid var(--mp-accent); border-radius: 4px; padding: 0 3px; outline: none; }
.mp-lane { position: relative; flex: 1; margin-right: 12px; touch-action: none; }
.mp-bar { position: absolute; top: 5px; bottom: 5px; min-width: 6px; border-radius: 4px; cursor: grab;
  background: color-mix(in srgb, var(--mp-layer) 78%, #14161b); }
.mp-bar.mp-still { background: repeating-linear-gradient(120deg, color-mix(in srgb, var(--mp-layer) 45%, transparent) 0 4px, color-mix(in srgb, var(--mp-layer) 18%, transparent) 4px 8px); cursor: default; }
.mp-chosen .mp-bar { box-shadow: 0 0 0 1.5px color-mix(in srgb, #fff 75%, transparent); }
.mp-bar[data-before="hold"]::before, .mp-bar[data-after="hold"]::after { content: ""; position: absolute; top: 6px; height: 3px; width: 9999px; background: color-mix(in srgb, var(--mp-layer) 32%, transparent); pointer-events: none; }
.mp-bar[data-before="hold"]::before { right: 100%; }
.mp-bar[data-after="hold"]::after { left: 100%; }
.mp-lane { overflow: clip; overflow-clip-margin: 5px; }
.mp-edge { position: absolute; top: 0; bottom: 0; width: 8px; cursor: ew-resize; }
.mp-edge-start { left: 0; border-left: 3px solid rgba(255,255,255,0.75); border-radius: 4px 0 0 4px; }
.mp-edge-end { right: 0; border-right: 3px solid rgba(255,255,255,0.75); border-radius: 0 4px 4px 0; }
.mp-key { position: absolute; top: 50%; width: 9px; height: 9px; margin: -4.5px; background: #fff; border: 1.5px solid rgba(10,12,16,0.8); transform: rotate(45deg); cursor: ew-resize; border-radius: 1px; }

.mp-inspector { flex: none; height: 152px; overflow: auto; border-top: 1px solid var(--mp-line); padding: 6px 8px;
  display: grid; grid-template: auto 1fr / auto 1fr; gap: 6px 10px; scrollbar-width: thin; }
.mp-title { font-weight: 600; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; max-width: 150px; line-height: 22px; }
.mp-tabs { justify-self: end; }
.mp-part { display: none; grid-column: 1 / -1; flex-direction: column; flex-wrap: wrap; align-content: flex-start; gap: 3px 22px; max-height: 113px; }
.mp-buttons { display: flex; flex-wrap: wrap; gap: 4px; max-width: 240px; align-content: flex-start; }
.mp-part.mp-open { display: flex; }
.mp-part > h4 { display: none; }
.mp-field { display: flex; align-items: center; gap: 6px; min-height: 22px; }
.mp-field > span:first-child { width: 52px; color: var(--mp-quiet); }
.mp-field input[type="number"] { width: 68px; font: inherit; color: var(--input-text, inherit); background: var(--mp-field); border: 1px solid var(--mp-line); border-radius: 5px; padding: 1px 5px; outline: none; user-select: text; }
.mp-field input[type="number"]:focus { border-color: var(--mp-accent); }
.mp-field input[type="range"] { width: 84px; height: 14px; accent-color: var(--mp-accent); }
.mp-unit { color: var(--mp-quiet); margin-left: -3px; }
.mp-choices { display: flex; background: var(--mp-field); border-radius: 6px; padding: 2px; gap: 1px; }
.mp-choices.mp-column { flex-direction: column; }
.mp-choice { all: unset; cursor: pointer; padding: 1px 8px; border-radius: 4px; color: var(--mp-quiet); text-align: center; line-height: 18px; }
.mp-choice:hover { color: var(--mp-fg); }
.mp-choice[aria-pressed="true"] { color: var(--mp-fg); background: color-mix(in srgb, var(--mp-fg) 16%, transparent); }
.mp-easing-box { display: flex; gap: 8px; align-items: stretch; }
.mp-easing { width: 120px; height: 112px; background: var(--mp-field); border-radius: 6px; touch-action: none; cursor: pointer; }
.mp-word, .mp-entry { all: unset; cursor: pointer; padding: 3px 10px; border-radius: 6px; background: color-mix(in srgb, var(--mp-fg) 10%, transparent); text-align: center; }
.mp-word:hover, .mp-entry:hover { background: color-mix(in srgb, var(--mp-fg) 18%, transparent); }
.mp-danger { background: #b3403a; color: #fff; }
.mp-danger:hover { background: #c94d46; }

.mp-panel { position: absolute; z-index: 10; background: var(--mp-bg); border: 1px solid var(--mp-line); border-radius: 10px;
  box-shadow: 0 8px 28px rgba(0,0,0,0.45); padding: 12px 14px; }
.mp-ask, .mp-load-error { top: 50%; left: 50%; transform: translate(-50%, -50%); width: min(360px, 88%); }
.mp-load-error { pointer-events: auto; user-select: text; }
.mp-answers { display: flex; gap: 8px; justify-content: flex-end; margin-top: 10px; }
.mp-menu { top: 34px; right: 6px; display: flex; flex-direction: column; gap: 3px; padding: 6px; }
.mp-entry { background: none; text-align: left; }
.mp-keys { inset: 8px; overflow: auto; display: flex; flex-direction: column; gap: 8px; align-items: flex-start; }
.mp-wide .mp-keys { inset: 40px auto auto 50%; transform: translateX(-50%); width: min(860px, 96%); max-height: calc(100% - 60px); }
.mp-key-rows { columns: 2 200px; width: 100%; }
.mp-key-row { display: flex; gap: 8px; padding: 2px 0; break-inside: avoid; align-items: baseline; }
.mp-key-row kbd { flex: none; min-width: 26px; text-align: center; padding: 0 5px; border-radius: 4px; background: var(--mp-field); border: 1px solid var(--mp-line); font: 11px ui-monospace, monospace; }

.mp-cover { position: fixed; inset: 0; width: auto; height: auto; margin: 0; padding: 0; border: 0; background: rgba(0, 0, 0, 0.6); overflow: hidden; }
.mp-cover .mp-body { inset: 3vh 2vw; --mp-names: 220px; }
.mp-wide { display: grid; grid-template: auto minmax(0, 1fr) auto auto minmax(0, auto) / minmax(0, 1fr) auto; }
.mp-wide .mp-toolbar, .mp-wide .mp-transport, .mp-wide .mp-splitter, .mp-wide .mp-timeline { grid-column: 1 / -1; }
.mp-wide .mp-toolbar { grid-row: 1; }
.mp-wide .mp-view { grid-row: 2; grid-column: 1; }
.mp-wide .mp-inspector { grid-row: 2; grid-column: 2; width: 312px; height: auto; display: flex; flex-direction: column; border-top: 0; border-left: 1px solid var(--mp-line); }
.mp-wide .mp-tabs { display: none; }
.mp-wide .mp-part { display: flex; flex: none; flex-wrap: nowrap; padding-bottom: 6px; max-height: none; }
.mp-wide .mp-buttons { max-width: none; padding-top: 3px; }
.mp-wide .mp-part > h4 { display: block; }
.mp-wide .mp-inspector .mp-title { max-width: none; }
.mp-wide .mp-transport { grid-row: 3; }
.mp-wide .mp-splitter { grid-row: 4; }
.mp-wide .mp-timeline { grid-row: 5; height: var(--mp-timeline-wide, 22vh); max-height: 62vh; }
@media (min-aspect-ratio: 1/1) {
  .mp-wide.mp-upright { grid-template: auto auto minmax(0, 1fr) auto / minmax(0, 1fr) auto auto; --mp-names: 150px; }
  .mp-wide.mp-upright .mp-toolbar { grid-column: 1 / -1; }
  .mp-wide.mp-upright .mp-view { grid-area: 2 / 1 / 4 / 2; }
  .mp-wide.mp-upright .mp-transport { grid-area: 4 / 1 / 5 / 2; }
  .mp-wide.mp-upright .mp-splitter { grid-area: 2 / 2 / 5 / 3; width: 1px; height: auto; cursor: ew-resize; }
  .mp-wide.mp-upright .mp-splitter::before { inset: 0 -4px; }
  .mp-wide.mp-upright .mp-splitter::after { top: 50%; left: -1px; width: 3px; height: 44px; margin: -22px 0 0; }
  .mp-wide.mp-upright .mp-inspector { grid-area: 2 / 3 / 3 / 4; width: auto; max-height: 48vh; border-left: 0; border-bottom: 1px solid var(--mp-line); }
  .mp-wide.mp-upright .mp-timeline { grid-area: 3 / 3 / 5 / 4; height: auto; max-height: none; width: var(--mp-timeline-side, 34vw); max-width: 60vw; }
}
`;
