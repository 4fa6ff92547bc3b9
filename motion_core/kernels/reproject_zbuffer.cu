// Reprojection along a camera path: the pixels of all points of a picture in every frame, which of
// them are hidden, and the warped picture. Defined by motion_core/camera/reference.py; zbuffer.py,
// surface.py and render.py in the same folder are the vectorised forms.
//
// A cell of the z-buffer is one 64-bit word: the bits of the nearest depth above the index of its
// point, so that one atomicMin keeps both and ties go to the lower index. Several frames are
// processed at once, each with its own z-buffer and plane of depths.

#define MAX_SUBDIVISION 16

struct Projection {
    float x, y, z;
    float scaled_x, scaled_y;  // times z
    bool in_front;
};

// matrix: (3, 4), world point to pixel times depth.
__device__ inline Projection project(const float *matrix, const float *points, long long count,
                                     long long i, float near) {
    float X = points[i], Y = points[count + i], Z = points[2 * count + i];
    float scaled[3];
    for (int row = 0; row < 3; row++) {
        const float *m = matrix + 4 * row;
        scaled[row] = m[0] * X + m[1] * Y + m[2] * Z + m[3];
    }
    float z = scaled[2];
    Projection point = {scaled[0] / z, scaled[1] / z, z, scaled[0], scaled[1], z > near};
    return point;
}

// The cell under a pixel, -1 off canvas (and for NaN).
__device__ inline int cell_under(float x, float y, int width, int height) {
    if (!(x >= 0.0f && x < (float)width && y >= 0.0f && y < (float)height)) return -1;
    return (int)y * width + (int)x;
}

__device__ inline void keep_nearest(u64 *cell, float z, u32 index) {
    atomicMin(cell, ((u64)__float_as_uint(z) << 32) | index);
}

__device__ inline float depth_in(u64 cell) {
    return cell == ~(u64)0 ? infinity() : __uint_as_float((u32)(cell >> 32));
}

// The least depth among `radius` cells on one side, those outside 0 .. length - 1 left out.
__device__ inline float least_of(const float *line, int stride, int at, int step, int length,
                                 int radius) {
    float least = infinity();
    for (int k = 1; k <= radius; k++) {
        int other = at + step * k;
        if (other < 0 || other >= length) break;
        least = fminf(least, line[(long long)other * stride]);
    }
    return least;
}

// A cell of rows already closed, closed in its column as well.
__device__ inline float closed_in_column(const float *plane, int cell, int width, int height,
                                         int radius) {
    int row = cell / width;
    const float *column = plane + cell % width;
    float above = least_of(column, width, row, -1, height, radius);
    float below = least_of(column, width, row, 1, height, radius);
    return fminf(plane[cell], fmaxf(above, below));
}

// points: (3, count). valid: (count). matrices: (T, 3, 4). intrinsics: (3, 3) of the picture. xy:
// (T, count, 2), written where has_xy: a point behind the camera keeps its last position.
// buffer: (frames, height * width), all ones beforehand, for frames `first` and on.
extern "C" __global__ void splat_points(const float *points, const unsigned char *valid,
                                        const float *matrices, const float *intrinsics, int count,
                                        int first, int frames, int width, int height, double near,
                                        int has_xy, float *xy, u64 *buffer) {
    long long i = global_thread_index();
    if (i >= count) return;
    float Z = points[2LL * count + i] > 0.0f ? points[2LL * count + i] : 1.0f;
    float across = points[i] / Z, along = points[count + i] / Z;
    float x = across * intrinsics[0] + along * intrinsics[1] + intrinsics[2];
    float y = across * intrinsics[3] + along * intrinsics[4] + intrinsics[5];
    if (has_xy && first > 0) {
        x = xy[((first - 1LL) * count + i) * 2];
        y = xy[((first - 1LL) * count + i) * 2 + 1];
    }
    for (int frame = first; frame < first + frames; frame++) {
        Projection point = project(matrices + 12LL * frame, points, count, i, (float)near);
        if (valid[i] && point.in_front) {
            x = point.x;
            y = point.y;
            int cell = cell_under(x, y, width, height);
            if (cell >= 0) {
                long long plane = (long long)(frame - first) * width * height;
                keep_nearest(buffer + plane + cell, point.z, (u32)i);
            }
        }
        if (!has_xy) continue;
        xy[((long long)frame * count + i) * 2] = x;
        xy[((long long)frame * count + i) * 2 + 1] = y;
    }
}

__device__ inline bool overlaps_canvas(const Projection *corners, int width, int height) {
    float left = corners[0].x, right = left, top = corners[0].y, bottom = top;
    for (int i = 1; i < 4; i++) {
        left = fminf(left, corners[i].x);
        right = fmaxf(right, corners[i].x);
        top = fminf(top, corners[i].y);
        bottom = fmaxf(bottom, corners[i].y);
    }
    return right >= 0.0f && left < (float)width && bottom >= 0.0f && top < (float)height;
}

__device__ inline float side_length(const Projection &a, const Projection &b) {
    return fmaxf(fabsf(a.x - b.x), fabsf(a.y - b.y));
}

__device__ inline float interpolate_quad(float top_left, float top_right, float bottom_left,
                                         float bottom_right, int right, int parts, float down) {
    float upper = top_left + right * ((top_right - top_left) / parts);
    float lower = bottom_left + right * ((bottom_right - bottom_left) / parts);
    return upper + (lower - upper) * down;
}

// Fills the quads between four joined pixels where they are stretched: one whose sides are up to n
// pixels long, n the next power of two, adds its bilinear points at all multiples of 1/n.
// quads: (height - 1, width - 1), a byte each. blockIdx.y is the frame.
extern "C" __global__ void splat_quads(const float *points, const unsigned char *quads,
                                       const float *matrices, int first, int width, int height,
                                       double near, u64 *buffer) {
    long long quad = global_thread_index();
    if (quad >= (width - 1LL) * (height - 1LL) || !quads[quad]) return;
    long long i = quad / (width - 1) * width + quad % (width - 1);
    long long count = (long long)width * height;
    const float *matrix = matrices + 12LL * (first + blockIdx.y);
    Projection corner[4];
    for (int k = 0; k < 4; k++) {
        corner[k] = project(matrix, points, count, i + (k & 1) + (k >> 1) * width, (float)near);
        if (!corner[k].in_front) return;
    }
    float longest = fmaxf(
        fmaxf(side_length(corner[0], corner[1]), side_length(corner[2], corner[3])),
        fmaxf(side_length(corner[0], corner[2]), side_length(corner[1], corner[3])));
    if (!(longest > 1.0f) || !overlaps_canvas(corner, width, height)) return;
    int parts = 2;
    while (parts < MAX_SUBDIVISION && longest > (float)parts) parts *= 2;
    u64 *plane = buffer + (long long)blockIdx.y * count;
    for (int sample = 1; sample < parts * parts; sample++) {
        float down = (float)(sample / parts) / parts;
        int right = sample % parts;
        float X = interpolate_quad(corner[0].scaled_x, corner[1].scaled_x, corner[2].scaled_x,
                                   corner[3].scaled_x, right, parts, down);
        float Y = interpolate_quad(corner[0].scaled_y, corner[1].scaled_y, corner[2].scaled_y,
                                   corner[3].scaled_y, right, parts, down);
        float z = interpolate_quad(corner[0].z, corner[1].z, corner[2].z, corner[3].z, right, parts,
                                   down);
        int cell = cell_under(X / z, Y / z, width, height);
        if (cell >= 0) keep_nearest(plane + cell, z, (u32)i);
    }
}

// plane: (frames, height, width), the nearest depth with gaps in rows closed: the least of a
// cell's own and the farther of the nearest on its two sides. blockIdx.y is the frame.
extern "C" __global__ void close_rows(const u64 *buffer, int width, int height, int radius,
                                      float *plane) {
    long long cell = global_thread_index(), cells = (long long)width * height;
    if (cell >= cells) return;
    const u64 *own = buffer + blockIdx.y * cells + cell;
    int column = (int)(cell % width);
    float left = infinity(), right = infinity();
    for (int k = 1; k <= radius && k <= column; k++) left = fminf(left, depth_in(own[-k]));
    for (int k = 1; k <= radius && k < width - column; k++) right = fminf(right, depth_in(own[k]));
    plane[blockIdx.y * cells + cell] = fminf(depth_in(own[0]), fmaxf(left, right));
}

// visible: (T, count). own_view: (T), whether a frame is the picture's own view, in which nothing
// is hidden. blockIdx.y is the frame after `first`.
extern "C" __global__ void test_visibility(const float *points, const unsigned char *valid,
                                           const float *matrices, const unsigned char *own_view,
                                           const float *plane, int count, int first, int width,
                                           int height, double near, int radius, double threshold,
                                           unsigned char *visible) {
    long long i = global_thread_index(), frame = first + blockIdx.y;
    if (i >= count) return;
    bool is_visible = valid[i];
    if (is_visible && !own_view[frame]) {
        Projection point = project(matrices + 12 * frame, points, count, i, (float)near);
        int cell = point.in_front ? cell_under(point.x, point.y, width, height) : -1;
        const float *own = plane + (long long)blockIdx.y * width * height;
        is_visible = cell >= 0 && point.z <= closed_in_column(own, cell, width, height, radius) *
                                                 (float)(1.0 + threshold);
    }
    visible[frame * count + i] = is_visible;
}

__device__ inline float sample_bilinear(const float *image, float x, float y, int width, int height,
                                        int channel) {
    x = fminf(fmaxf(x - 0.5f, 0.0f), (float)(width - 1));
    y = fminf(fmaxf(y - 0.5f, 0.0f), (float)(height - 1));
    int left = (int)x, top = (int)y;
    int right = left + 1 < width ? left + 1 : left, bottom = top + 1 < height ? top + 1 : top;
    float u = x - left, v = y - top;
    float above = image[((long long)top * width + left) * 3 + channel] * (1 - u) +
                  image[((long long)top * width + right) * 3 + channel] * u;
    float below = image[((long long)bottom * width + left) * 3 + channel] * (1 - u) +
                  image[((long long)bottom * width + right) * 3 + channel] * u;
    return above * (1 - v) + below * v;
}

// Backward warping: every pixel of a frame samples the picture at the depth found there.
// image: (height, width, 3). back: (T, 3, 4), pixel times depth to pixel of the picture times
// depth there. color: (3), of holes. video: (T, height, width, 3). holes: (T, height, width).
extern "C" __global__ void warp_backward(const float *image, const unsigned char *valid,
                                         const float *back, const unsigned char *own_view,
                                         const u64 *buffer, const float *plane, const float *color,
                                         int first, int width, int height, int radius,
                                         double threshold, float *video, unsigned char *holes) {
    long long cell = global_thread_index(), cells = (long long)width * height;
    long long frame = first + blockIdx.y;
    if (cell >= cells) return;
    long long at = frame * cells + cell;
    if (own_view[frame]) {
        holes[at] = !valid[cell];
        for (int c = 0; c < 3; c++)
            video[at * 3 + c] = valid[cell] ? image[cell * 3 + c] : color[c];
        return;
    }
    float splatted = depth_in(buffer[blockIdx.y * cells + cell]);
    float z = closed_in_column(plane + blockIdx.y * cells, (int)cell, width, height, radius);
    if (splatted < infinity() && splatted <= z * (float)(1.0 + threshold)) z = splatted;
    bool has_depth = z < infinity();
    float x = ((float)(cell % width) + 0.5f), y = ((float)(cell / width) + 0.5f), source[3];
    for (int row = 0; row < 3; row++) {
        const float *m = back + 12 * frame + 4 * row;
        source[row] = has_depth ? (m[0] * x + m[1] * y + m[2]) * z + m[3] : 0.0f;
    }
    x = source[0] / source[2];
    y = source[1] / source[2];
    bool is_covered = has_depth && source[2] > 0.0f && cell_under(x, y, width, height) >= 0;
    holes[at] = !is_covered;
    for (int c = 0; c < 3; c++)
        video[at * 3 + c] = is_covered ? sample_bilinear(image, x, y, width, height, c) : color[c];
}
