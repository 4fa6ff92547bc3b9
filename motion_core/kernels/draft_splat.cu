// The first step of the draft's pull-push completion: displacements at scattered points, shared
// among the four nearest cells of a grid. Defined by motion_core/draft/reference.py.
//
// Sums are float64 and added in whatever order threads come, so that after rounding to float32
// they differ from the definition by its last bit at most.

__device__ inline double held(double value, int last) {
    return value < 0.0 ? 0.0 : (value > last ? (double)last : value);
}

__device__ inline bool is_number(double value) { return value - value == 0.0; }

// points: (count, 2) in cells. values: (frames, count, channels). weights: (frames, count).
// sums: (frames, height, width, channels + 1), zero beforehand; the last channel is the weight.
// A point with a coordinate, value or weight that is not finite says nothing.
extern "C" __global__ void splat_displacements(const double *points, const double *values,
                                               const double *weights, int frames, int count,
                                               int channels, int width, int height, double *sums) {
    long long heard = this_thread();
    if (heard >= (long long)frames * count) return;
    long long frame = heard / count, point = heard % count;
    const double *value = values + heard * channels;
    bool sound = is_number(points[2 * point]) && is_number(points[2 * point + 1]);
    for (int channel = 0; channel < channels; channel++) sound = sound && is_number(value[channel]);
    if (!sound || !is_number(weights[heard])) return;
    double x = held(points[2 * point] - 0.5, width - 1);
    double y = held(points[2 * point + 1] - 0.5, height - 1);
    int left = (int)x, top = (int)y;
    for (int corner = 0; corner < 4; corner++) {
        int right = corner & 1, down = corner >> 1;
        double share = (right ? x - left : 1.0 - (x - left)) * (down ? y - top : 1.0 - (y - top));
        if (share == 0.0) continue;
        double *sum = sums + ((frame * height + top + down) * width + left + right) * (channels + 1);
        for (int channel = 0; channel < channels; channel++)
            atomicAdd(&sum[channel], value[channel] * weights[heard] * share);
        atomicAdd(&sum[channels], weights[heard] * share);
    }
}
