/** The picture on a moving grid with plain 2D drawing, for pages without WebGL. */

const OVERLAP = 0.6; // pixels by which triangles are widened, so that no seam shows

export function makeFlatWarp() {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d");
  return {
    isLost: false,
    render({ picture, field, time, width, height }) {
      Object.assign(canvas, { width, height });
      context.drawImage(picture, 0, 0, width, height);
      const moved = field.at(time);
      const row = field.columns + 1;
      for (let y = 0; y < field.rows; y += 1) {
        for (let x = 0; x < field.columns; x += 1) {
          const at = y * row + x;
          const corners = [at, at + 1, at + row + 1, at + row];
          if (corners.every((corner) => moved[corner * 3 + 2] < 1e-4)) continue;
          const [a, b, c, d] = corners.map((corner) => cornerOf(field, moved, corner, canvas));
          drawTriangle(context, picture, [a, b, d]);
          drawTriangle(context, picture, [b, c, d]);
        }
      }
      return canvas;
    },
    dispose() {
      canvas.width = canvas.height = 0;
    },
  };
}

function cornerOf(field, moved, corner, { width, height }) {
  return {
    u: field.rest[corner * 2],
    v: field.rest[corner * 2 + 1],
    x: moved[corner * 3] * width,
    y: moved[corner * 3 + 1] * height,
  };
}

function drawTriangle(context, picture, corners) {
  const [a, b, c] = corners;
  const [sw, sh] = [picture.width, picture.height];
  const [u1, v1] = [(b.u - a.u) * sw, (b.v - a.v) * sh];
  const [u2, v2] = [(c.u - a.u) * sw, (c.v - a.v) * sh];
  const area = u1 * v2 - u2 * v1;
  const slope = (axis) => {
    const [p1, p2] = [b[axis] - a[axis], c[axis] - a[axis]];
    return [(p1 * v2 - p2 * v1) / area, (p2 * u1 - p1 * u2) / area];
  };
  const [[xu, xv], [yu, yv]] = [slope("x"), slope("y")];
  const [midX, midY] = [(a.x + b.x + c.x) / 3, (a.y + b.y + c.y) / 3];
  context.save();
  context.beginPath();
  for (const { x, y } of corners) {
    context.lineTo(x + OVERLAP * Math.sign(x - midX), y + OVERLAP * Math.sign(y - midY));
  }
  context.clip();
  const [shiftX, shiftY] = [a.x - xu * a.u * sw - xv * a.v * sh, a.y - yu * a.u * sw - yv * a.v * sh];
  context.transform(xu, yu, xv, yv, shiftX, shiftY);
  context.drawImage(picture, 0, 0);
  context.restore();
}
