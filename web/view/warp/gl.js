/** The picture on a moving grid, by WebGL. */

const VERTEX = `
attribute vec2 rest;
attribute vec3 moved;
varying vec2 place;
void main() {
  place = rest;
  gl_Position = vec4(moved.x * 2.0 - 1.0, 1.0 - moved.y * 2.0, 0.5 - 0.5 * moved.z, 1.0);
}`;
const FRAGMENT = `
precision mediump float;
uniform sampler2D picture;
varying vec2 place;
void main() {
  gl_FragColor = vec4(texture2D(picture, place).rgb, 1.0);
}`;

/** A renderer, or null where WebGL is not available. */
export function makeGlWarp() {
  const canvas = document.createElement("canvas");
  const options = { alpha: true, antialias: true, premultipliedAlpha: true };
  const gl = canvas.getContext("webgl", options);
  if (!gl) return null;
  let parts = null;
  let loaded = null;
  let grid = null;
  canvas.addEventListener("webglcontextlost", (event) => {
    event.preventDefault();
    parts = loaded = grid = null;
  });
  return {
    get isLost() {
      return gl.isContextLost();
    },
    /** Draws and returns the canvas that holds the result. */
    render({ picture, field, time, width, height }) {
      parts ??= build(gl);
      if (loaded !== picture) upload(gl, picture);
      loaded = picture;
      if (grid !== field) loadGrid(gl, parts, field);
      grid = field;
      if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
      gl.viewport(0, 0, width, height);
      gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
      gl.bindBuffer(gl.ARRAY_BUFFER, parts.moved);
      gl.bufferData(gl.ARRAY_BUFFER, field.at(time), gl.DYNAMIC_DRAW);
      gl.vertexAttribPointer(parts.movedAt, 3, gl.FLOAT, false, 0, 0);
      gl.drawElements(gl.TRIANGLES, field.columns * field.rows * 6, gl.UNSIGNED_SHORT, 0);
      return canvas;
    },
    dispose() {
      gl.getExtension("WEBGL_lose_context")?.loseContext();
      canvas.width = canvas.height = 0;
    },
  };
}

function build(gl) {
  const program = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  gl.useProgram(program);
  gl.enable(gl.DEPTH_TEST);
  gl.depthFunc(gl.LEQUAL);
  const parts = {
    rest: gl.createBuffer(),
    moved: gl.createBuffer(),
    triangles: gl.createBuffer(),
    restAt: gl.getAttribLocation(program, "rest"),
    movedAt: gl.getAttribLocation(program, "moved"),
  };
  gl.enableVertexAttribArray(parts.restAt);
  gl.enableVertexAttribArray(parts.movedAt);
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  for (const name of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) {
    gl.texParameteri(gl.TEXTURE_2D, name, gl.CLAMP_TO_EDGE);
  }
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
  return parts;
}

function upload(gl, picture) {
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, picture);
}

function loadGrid(gl, parts, field) {
  gl.bindBuffer(gl.ARRAY_BUFFER, parts.rest);
  gl.bufferData(gl.ARRAY_BUFFER, field.rest, gl.STATIC_DRAW);
  gl.vertexAttribPointer(parts.restAt, 2, gl.FLOAT, false, 0, 0);
  gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, parts.triangles);
  gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, trianglesOf(field), gl.STATIC_DRAW);
}

function trianglesOf({ columns, rows }) {
  const corners = [];
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const at = row * (columns + 1) + column;
      const below = at + columns + 1;
      corners.push(at, at + 1, below, at + 1, below + 1, below);
    }
  }
  return new Uint16Array(corners);
}
