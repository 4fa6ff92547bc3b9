// The first step of the draft's pull-push completion: displacements at scattered points, splatted
// bilinearly onto the four nearest cells of a grid. Defined by motion_core/draft/reference.py.
//
// Sums are float64 and their order depends on the threads. After rounding to float32 they differ
// from the definition by the last bit at most.

__device__ inline double clamp_to_range(double value, int last) {
    return value < 0.0 ? 0.0 : (value > last ? (double)last : value);
}

__device__ inline bool is_finite(double value) { return value - value == 0.0; }

// points: (count, 2) in cells. values: (frames, count, channels). weights: (frames, count).
// sums: (frames, height, width, channels + 1), zero beforehand; the last channel is the weight.
// A point whose coordinates, values or weight are not all finite is skipped.
extern "C" __global__ void splat_displacements(const double *points, const double *values,
                                               const double *weights, int frames, int count,
                                               int channels, int width, int height, double *sums) {
    long long index = global_thread_index();
    if (index >= (long long)frames * count) return;
    long long frame = index / count, point = index % count;
    const double *value = values + index * channels;
    bool usable = is_finite(points[2 * point]) && is_finite(points[2 * point + 1]);
    for (int channel = 0; channel < channels; channel++)
        usable = usable && is_finite(value[channel]);
    if (!usable || !is_finite(weights[index])) return;
    double x = clamp_to_range(points[2 * point] - 0.5, width - 1);
    double y = clamp_to_range(points[2 * point + 1] - 0.5, height - 1);
    int left = (int)x, top = (int)y;
    for (int corner = 0; corner < 4; corner++) {
        int right = corner & 1, down = corner >> 1;
        double across = right ? x - left : 1.0 - (x - left);
        double along = down ? y - top : 1.0 - (y - top);
        double corner_weight = across * along;
        if (corner_weight == 0.0) continue;
        double *sum = sums + ((frame * height + top + down) * width + left + right) * (channels + 1);
        for (int channel = 0; channel < channels; channel++)
            atomicAdd(&sum[channel], value[channel] * weights[index] * corner_weight);
        atomicAdd(&sum[channels], weights[index] * corner_weight);
    }
}
