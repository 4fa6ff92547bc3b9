// The id volume of Motion Prompting (arXiv 2412.02700, section 4.2), channels last, and its
// gradient. Defined by motion_core/raster/reference.py: reference_id_volume.
//
// Entries that share a key form a list. Lists are put in ascending order, so sums run in entry
// order whatever order the threads ran in: the same bits every time, and no atomic addition. Every
// number of the volume is written once, zeros included.

struct alignas(16) Four32 { word32 word[4]; };
struct alignas(8) Four16 { word16 word[4]; };

// head: one per key, EMPTY_LIST beforehand. Keys outside 0 .. groups * per_group - 1 are left out.
extern "C" __global__ void link_entries(const long long *keys, int entries, int groups,
                                        int per_group, int *head, int *next) {
    long long entry = this_thread();
    if (entry >= entries) return;
    long long key = keys[entry];
    if (key < 0 || key >= (long long)groups * per_group) return;
    next[entry] = atomicExch(&head[key], (int)entry);
}

__device__ inline int merged(int one, int other, int *next) {
    int first = EMPTY_LIST, last = EMPTY_LIST;
    while (one != EMPTY_LIST && other != EMPTY_LIST) {
        int least = one < other ? one : other;
        if (least == one) one = next[one];
        else other = next[other];
        if (last == EMPTY_LIST) first = least;
        else next[last] = least;
        last = least;
    }
    int rest = one != EMPTY_LIST ? one : other;
    if (last == EMPTY_LIST) return rest;
    next[last] = rest;
    return first;
}

// A merge sort: bin k holds an ordered list of 2^k entries or none, as in a binary counter.
extern "C" __global__ void order_entries(int groups, int per_group, int *head, int *next) {
    long long key = this_thread();
    if (key >= (long long)groups * per_group) return;
    int entry = head[key];
    if (entry == EMPTY_LIST || next[entry] == EMPTY_LIST) return;
    int bins[32], used = 0;
    while (entry != EMPTY_LIST) {
        int rest = next[entry], carry = entry, bin = 0;
        next[carry] = EMPTY_LIST;
        for (; bin < used && bins[bin] != EMPTY_LIST; bin++) {
            carry = merged(bins[bin], carry, next);
            bins[bin] = EMPTY_LIST;
        }
        bins[bin] = carry;
        if (bin == used) used++;
        entry = rest;
    }
    int whole = EMPTY_LIST;
    for (int bin = 0; bin < used; bin++) whole = merged(bins[bin], whole, next);
    head[key] = whole;
}

__device__ inline void write_four(void *to, long long place, int kind, const float *sums) {
    if (kind == KIND_FLOAT) {
        Four32 four;
        for (int i = 0; i < 4; i++) four.word[i] = __float_as_uint(sums[i]);
        *(Four32 *)((float *)to + place) = four;
        return;
    }
    Four16 four;
    for (int i = 0; i < 4; i++)
        four.word[i] = kind == KIND_HALF ? to_half(sums[i]) : to_bfloat(sums[i]);
    *(Four16 *)((word16 *)to + place) = four;
}

// volume: (groups * per_group / phases, dim, phases); the key of a list is place * phases + phase.
// A block is (x: fours of channels, y: places).
extern "C" __global__ void fill_volume(const void *rows, int rows_kind, const long long *tracks,
                                       const int *head, const int *next, int groups, int per_group,
                                       int dim, int phases, void *volume, int volume_kind) {
    long long place = (long long)blockIdx.x * blockDim.y + threadIdx.y;
    if (place >= (long long)groups * per_group / phases) return;
    int width = dim * phases;
    for (int first = 4 * threadIdx.x; first < width; first += 4 * blockDim.x) {
        float sums[4] = {0.0f, 0.0f, 0.0f, 0.0f};
        int count = width - first < 4 ? width - first : 4;
        for (int i = 0; i < count; i++) {
            int channel = (first + i) / phases, phase = (first + i) % phases;
            for (int entry = head[place * phases + phase]; entry != EMPTY_LIST; entry = next[entry])
                sums[i] += read_number(rows, tracks[entry] * dim + channel, rows_kind);
        }
        if (width % 4 == 0) {
            write_four(volume, place * width + first, volume_kind, sums);
            continue;
        }
        for (int i = 0; i < count; i++)
            write_number(volume, place * width + first + i, volume_kind, sums[i]);
    }
}

// The gradient of each track's row: the volume's gradient at its entries, summed frame by frame.
// Lists have the key track * frames + frame. A block is (x: channels, y: tracks).
extern "C" __global__ void gather_rows(const void *gradient, int gradient_kind,
                                       const long long *slots, const int *head, const int *next,
                                       int tracks, int frames, int dim, int phases, void *rows,
                                       int rows_kind) {
    long long track = (long long)blockIdx.x * blockDim.y + threadIdx.y;
    if (track >= tracks) return;
    for (int channel = threadIdx.x; channel < dim; channel += blockDim.x) {
        float sum = 0.0f;
        for (int frame = 0; frame < frames; frame++) {
            int entry = head[track * frames + frame];
            for (; entry != EMPTY_LIST; entry = next[entry]) {
                long long place = slots[entry] / phases, phase = slots[entry] % phases;
                sum += read_number(gradient, (place * dim + channel) * phases + phase, gradient_kind);
            }
        }
        write_number(rows, track * dim + channel, rows_kind, sum);
    }
}
