// The number formats of the kernels' buffers. The loader prepends this file to every kernel source:
// NVRTC finds no headers on a machine without the CUDA toolkit, so float16 and bfloat16 are
// converted bit by bit here.

#define EMPTY_LIST (-1)

// The dtype of a buffer; loader.py's DTYPE_CODES has the same codes.
#define DTYPE_FLOAT32 0
#define DTYPE_FLOAT16 1
#define DTYPE_BFLOAT16 2

typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

__device__ inline float from_half(u16 bits) {
    u32 sign = (u32)(bits & 0x8000u) << 16, exponent = (bits >> 10) & 31u, fraction = bits & 1023u;
    if (exponent == 31u) return __uint_as_float(sign | 0x7f800000u | (fraction << 13));
    if (exponent != 0u) return __uint_as_float(sign | ((exponent + 112u) << 23) | (fraction << 13));
    float small = (float)fraction * 5.9604644775390625e-08f;  // 2^-24: subnormal halves, exactly
    return sign ? -small : small;
}

// Rounded to nearest, ties to even.
__device__ inline u16 to_half(float value) {
    u32 bits = __float_as_uint(value);
    u32 sign = (bits >> 16) & 0x8000u, magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) return (u16)(sign | 0x7e00u);
    if (magnitude >= 0x477ff000u) return (u16)(sign | 0x7c00u);
    if (magnitude < 0x38800000u) {
        // Below the least normal half: adding 0.5 lets float32 do the rounding.
        u32 rounded = __float_as_uint(__uint_as_float(magnitude) + 0.5f) - 0x3f000000u;
        return (u16)(sign | rounded);
    }
    return (u16)(sign | ((magnitude - 0x38000000u + 0xfffu + ((magnitude >> 13) & 1u)) >> 13));
}

__device__ inline u16 to_bfloat(float value) {
    u32 bits = __float_as_uint(value);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return (u16)((bits >> 16) | 0x40u);
    return (u16)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

__device__ inline float read_number(const void *source, long long index, int dtype) {
    if (dtype == DTYPE_FLOAT32) return ((const float *)source)[index];
    u16 bits = ((const u16 *)source)[index];
    return dtype == DTYPE_FLOAT16 ? from_half(bits) : __uint_as_float((u32)bits << 16);
}

__device__ inline void write_number(void *target, long long index, int dtype, float value) {
    if (dtype == DTYPE_FLOAT32)
        ((float *)target)[index] = value;
    else
        ((u16 *)target)[index] = dtype == DTYPE_FLOAT16 ? to_half(value) : to_bfloat(value);
}

__device__ inline float infinity() { return __uint_as_float(0x7f800000u); }

__device__ inline long long global_thread_index() {
    return (long long)blockIdx.x * blockDim.x + threadIdx.x;
}
