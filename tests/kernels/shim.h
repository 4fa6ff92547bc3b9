// The CUDA built-ins that the kernels use, for a C++ compiler: one thread after another.
#include <cmath>
#include <cstring>

#define __global__
#define __device__

struct Dim3 {
    int x, y, z;
};
static Dim3 gridDim, blockDim, blockIdx, threadIdx;

static unsigned __float_as_uint(float value) {
    unsigned bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float __uint_as_float(unsigned bits) {
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

template <typename T> static T atomicExch(T *place, T value) {
    T before = *place;
    *place = value;
    return before;
}

template <typename T> static T atomicAdd(T *place, T value) {
    T before = *place;
    *place = before + value;
    return before;
}

template <typename T> static T atomicMin(T *place, T value) {
    T before = *place;
    if (value < before) *place = value;
    return before;
}

// Visits all threads of a grid, the first one first or last: a device promises neither.
template <typename Body> static void run_grid(const int *grid, const int *block, int backward,
                                              Body body) {
    gridDim = {grid[0], grid[1], grid[2]};
    blockDim = {block[0], block[1], block[2]};
    long long threads = (long long)block[0] * block[1] * block[2];
    long long total = threads * grid[0] * grid[1] * grid[2];
    for (long long i = 0; i < total; i++) {
        long long at = backward ? total - 1 - i : i, inside = at % threads, outside = at / threads;
        threadIdx = {(int)(inside % block[0]), (int)(inside / block[0] % block[1]),
                     (int)(inside / block[0] / block[1])};
        blockIdx = {(int)(outside % grid[0]), (int)(outside / grid[0] % grid[1]),
                    (int)(outside / grid[0] / grid[1])};
        body();
    }
}
