// The two loops that most of the time goes into, as one would write them in C for a
// compiler to vectorise: every candidate is weighed at every pick, and every pair of
// points is summed twice. Points are one coordinate after another (d x t), float32.

#include <stdint.h>

#define CHUNK 512
#define TAKEN -1e30f

// exp(x) for -87 <= x <= 0, within 2e-7 of it: 2^n times a polynomial, n whole.
static inline float exp_nonpositive(float x)
{
    x = x > -87 ? x : -87;
    float scaled = x * 1.44269504f;
    int32_t whole = (int32_t)(scaled - 0.5f);
    float r = (x - whole * 0.693359375f) + whole * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    union { float value; int32_t bits; } result = {p * r * r + r + 1};
    result.bits += whole << 23;
    return result.value;
}

// k(x_j, at) for the points from `from` to `to`, of which there are at most CHUNK.
static inline void kernel(const float *restrict points, const float *at, long t, long d,
                          float half_rate, long from, long to, float *restrict k)
{
    float squares[CHUNK] = {0};
    for (long c = 0; c < d; c++)
        for (long j = 0; j < to - from; j++) {
            float difference = points[c * t + from + j] - at[c];
            squares[j] += difference * difference;
        }
    for (long j = 0; j < to - from; j++)
        k[j] = exp_nonpositive(-half_rate * squares[j]);
}

static inline long end_of_chunk(long from, long end)
{
    return from + CHUNK < end ? from + CHUNK : end;
}

// exp(-r²/2ℓ²) summed over the points of each of n blocks, which end at `ends`, for the
// points from `first` to `last`.
void sums_of_rows(long t, long d, const float *restrict points, long n, const long *ends,
                  float half_rate, long first, long last, double *rows)
{
    for (long i = first; i < last; i++) {
        float at[64];
        for (long c = 0; c < d; c++)
            at[c] = points[c * t + i];
        for (long block = 0, start = 0; block < n; start = ends[block++]) {
            double total = 0;
            for (long from = start; from < ends[block]; from += CHUNK) {
                long to = end_of_chunk(from, ends[block]);
                float k[CHUNK], sum = 0;
                kernel(points, at, t, d, half_rate, from, to, k);
                for (long j = 0; j < to - from; j++)
                    sum += k[j];
                total += sum;
            }
            rows[i * n + block] = total;
        }
    }
}

// Picks g* with weight exp(β (w - max w) / (max w - min w)), then w += rate - k(., g*).
void pick_many(long num_picks, long g, long d, const float *restrict points,
               const float *restrict rates, float half_rate, float beta, uint64_t seed,
               float *restrict w, float *restrict weights, float *restrict sums,
               long *picked)
{
    uint64_t state = seed * 0x9E3779B97F4A7C15u + 1;
    for (long pick = 0; pick < num_picks; pick++) {
        float high = TAKEN, low = -TAKEN;
        for (long j = 0; j < g; j++) {
            float lowest = w[j] > TAKEN / 2 ? w[j] : -TAKEN;
            high = w[j] > high ? w[j] : high;
            low = lowest < low ? lowest : low;
        }
        float slope = beta / (high > low ? high - low : 1);
        double total = 0;
        for (long from = 0; from < g; from += CHUNK) {
            long to = end_of_chunk(from, g);
            float sum = 0;
            for (long j = from; j < to; j++) {
                weights[j] = exp_nonpositive((w[j] - high) * slope);
                sum += weights[j];
            }
            sums[from / CHUNK] = sum;
            total += sum;
        }
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        double rest = total * ((double)(state >> 11) / 9007199254740992.0);
        long chunk = 0, best = 0;
        for (; (chunk + 1) * CHUNK < g && rest >= sums[chunk]; chunk++)
            rest -= sums[chunk];
        for (long j = chunk * CHUNK; j < end_of_chunk(chunk * CHUNK, g); j++) {
            best = w[j] > TAKEN / 2 && rest >= 0 ? j : best;
            rest -= weights[j];
        }
        picked[pick] = best;
        float at[64], k[CHUNK];
        for (long c = 0; c < d; c++)
            at[c] = points[c * g + best];
        for (long from = 0; from < g; from += CHUNK) {
            long to = end_of_chunk(from, g);
            kernel(points, at, g, d, half_rate, from, to, k);
            for (long j = from; j < to; j++)
                w[j] += rates[j] - k[j - from];
        }
        w[best] = TAKEN;
    }
}
