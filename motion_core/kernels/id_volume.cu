// The id volume of Motion Prompting (arXiv 2412.02700, section 4.2), channels last, and its
// gradient. Defined by motion_core/raster/reference.py: reference_id_volume.
//
// Entries that share a key form a linked list. Each list is sorted in ascending order, so sums run
// in entry order whatever order the threads ran in. Results are therefore reproducible to the bit
// and need no atomic addition. Every number of the volume is written once, zeros included.

struct alignas(16) U32x4 { u32 word[4]; };
struct alignas(8) U16x4 { u16 word[4]; };

// head: one per key, EMPTY_LIST beforehand. Keys outside 0 .. groups * per_group - 1 are left out.
extern "C" __global__ void link_entries(const long long *keys, int entries, int groups,
                                        int per_group, int *head, int *next) {
    long long entry = global_thread_index();
    if (entry >= entries) return;
    long long key = keys[entry];
    if (key < 0 || key >= (long long)groups * per_group) return;
    next[entry] = atomicExch(&head[key], (int)entry);
}

__device__ inline int merge_lists(int left, int right, int *next) {
    int first = EMPTY_LIST, last = EMPTY_LIST;
    while (left != EMPTY_LIST && right != EMPTY_LIST) {
        int least = left < right ? left : right;
        if (least == left) left = next[left];
        else right = next[right];
        if (last == EMPTY_LIST) first = least;
        else next[last] = least;
        last = least;
    }
    int rest = left != EMPTY_LIST ? left : right;
    if (last == EMPTY_LIST) return rest;
    next[last] = rest;
    return first;
}

// A merge sort: bin k holds an ordered list of 2^k entries or none, as in a binary counter.
extern "C" __global__ void order_entries(int groups, int per_group, int *head, int *next) {
    long long key = global_thread_index();
    if (key >= (long long)groups * per_group) return;
    int entry = head[key];
    if (entry == EMPTY_LIST || next[entry] == EMPTY_LIST) return;
    int bins[32], used = 0;
    while (entry != EMPTY_LIST) {
        int rest = next[entry], carry = entry, bin = 0;
        next[carry] = EMPTY_LIST;
        for (; bin < used && bins[bin] != EMPTY_LIST; bin++) {
            carry = merge_lists(bins[bin], carry, next);
            bins[bin] = EMPTY_LIST;
        }
        bins[bin] = carry;
        if (bin == used) used++;
        entry = rest;
    }
    int whole = EMPTY_LIST;
    for (int bin = 0; bin < used; bin++) whole = merge_lists(bins[bin], whole, next);
    head[key] = whole;
}

__device__ inline void write_four(void *target, long long place, int dtype, const float *sums) {
    if (dtype == DTYPE_FLOAT32) {
        U32x4 four;
        for (int i = 0; i < 4; i++) four.word[i] = __float_as_uint(sums[i]);
        *(U32x4 *)((float *)target + place) = four;
        return;
    }
    U16x4 four;
    for (int i = 0; i < 4; i++)
        four.word[i] = dtype == DTYPE_FLOAT16 ? to_half(sums[i]) : to_bfloat(sums[i]);
    *(U16x4 *)((u16 *)target + place) = four;
}

// volume: (groups * per_group / phases, dim, phases); the key of a list is place * phases + phase.
// A block is (x: fours of channels, y: places).
extern "C" __global__ void fill_volume(const void *rows, int rows_dtype, const long long *tracks,
                                       const int *head, const int *next, int groups, int per_group,
                                       int dim, int phases, void *volume, int volume_dtype) {
    long long place = (long long)blockIdx.x * blockDim.y + threadIdx.y;
    if (place >= (long long)groups * per_group / phases) return;
    int width = dim * phases;
    for (int first = 4 * threadIdx.x; first < width; first += 4 * blockDim.x) {
        float sums[4] = {0.0f, 0.0f, 0.0f, 0.0f};
        int count = width - first < 4 ? width - first : 4;
        for (int i = 0; i < count; i++) {
            int channel = (first + i) / phases, phase = (first + i) % phases;
            for (int entry = head[place * phases + phase]; entry != EMPTY_LIST; entry = next[entry])
                sums[i] += read_number(rows, tracks[entry] * dim + channel, rows_dtype);
        }
        if (width % 4 == 0) {
            write_four(volume, place * width + first, volume_dtype, sums);
            continue;
        }
        for (int i = 0; i < count; i++)
            write_number(volume, place * width + first + i, volume_dtype, sums[i]);
    }
}

// The gradient of each track's row: the volume's gradient at its entries, summed frame by frame.
// Lists have the key track * frames + frame. A block is (x: channels, y: tracks).
extern "C" __global__ void gather_rows(const void *gradient, int gradient_dtype,
                                       const long long *slots, const int *head, const int *next,
                                       int tracks, int frames, int dim, int phases, void *rows,
                                       int rows_dtype) {
    long long track = (long long)blockIdx.x * blockDim.y + threadIdx.y;
    if (track >= tracks) return;
    for (int channel = threadIdx.x; channel < dim; channel += blockDim.x) {
        float sum = 0.0f;
        for (int frame = 0; frame < frames; frame++) {
            int entry = head[track * frames + frame];
            for (; entry != EMPTY_LIST; entry = next[entry]) {
                long long place = slots[entry] / phases, phase = slots[entry] % phases;
                long long index = (place * dim + channel) * phases + phase;
                sum += read_number(gradient, index, gradient_dtype);
            }
        }
        write_number(rows, track * dim + channel, rows_dtype, sum);
    }
}
