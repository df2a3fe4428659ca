"""Minimax (Remez) polynomials for exp, log, sin(2 pi a), cos(2 pi a).

usage: python3 elementary.py > elementary.txt

Each kernel is  target = head(x) + scale(x) * sum_k c_k t^k.  Coefficients are rounded low order first: after
each rounding the remaining ones are refitted (discrete Remez, relative error), so the quoted errors are those of
the ROUNDED coefficients, evaluated exactly (50 digits) on a grid finer than the one fitted.
"""
import struct
from mpmath import mp, mpf, matrix, lu_solve, exp, log, sin, cos, pi, sqrt
mp.dps = 50

def f64(c): return float(c)
def f32(c):                       # nearest f32 (via the correctly rounded f64: double rounding is irrelevant here)
    return struct.unpack('f', struct.pack('f', float(c)))[0]

def remez(xs, f, W, n):
    """n coefficients p minimising max W|f - p| on the grid xs (W > 0)."""
    if n == 0: return []
    N = len(xs)
    idx = [round((N - 1) * (1 - cos(pi * k / n)) / 2) for k in range(n + 1)]
    best = None
    for _ in range(60):
        M = matrix(n + 1, n + 1); b = matrix(n + 1, 1)
        for r, i in enumerate(idx):
            for k in range(n): M[r, k] = xs[i] ** k
            M[r, n] = (-1) ** r / W[i]; b[r] = f[i]
        s = lu_solve(M, b); c = [s[k] for k in range(n)]; level = abs(s[n])
        e = []
        for i in range(N):
            p = mpf(0)
            for k in reversed(c): p = p * xs[i] + k
            e.append(W[i] * (f[i] - p))
        top = max(abs(v) for v in e)
        if best is None or top < best[0]: best = (top, c)
        if top <= level * (1 + mpf(10) ** -4): break
        runs = []                                     # largest error of each run of one sign
        for i in range(N):
            if e[i] == 0: continue
            if runs and (e[runs[-1]] > 0) == (e[i] > 0):
                if abs(e[i]) > abs(e[runs[-1]]): runs[-1] = i
            else: runs.append(i)
        while len(runs) > n + 1:
            if len(runs) == n + 2:
                runs.pop(0 if abs(e[runs[0]]) < abs(e[runs[-1]]) else -1)
            else:                                     # drop the smallest and merge its neighbours
                j = min(range(len(runs)), key=lambda q: abs(e[runs[q]]))
                if j in (0, len(runs) - 1): runs.pop(j)
                else:
                    k = j - 1 if abs(e[runs[j - 1]]) < abs(e[runs[j + 1]]) else j + 1
                    for q in sorted((j, k), reverse=True): runs.pop(q)
        if len(runs) < n + 1 or runs == idx: break
        idx = runs
    return best[1]

def grid(lo, hi, N): return [lo + (hi - lo) * (1 - cos(pi * (2 * i + 1) / (2 * N))) / 2 for i in range(N)]

def fit(lo, hi, n, rest, weight, rnd, fixed=()):
    """rest(t) ~ sum c_k t^k with error weight(t)|.|; `fixed` exact leading coefficients (may be hi+lo)."""
    xs = grid(lo, hi, 400); r0 = [rest(x) for x in xs]; w0 = [weight(x) for x in xs]
    c = list(fixed)
    while len(c) < n:
        j = len(c)
        f = [(r - sum(ck * x ** k for k, ck in enumerate(c))) / x ** j for r, x in zip(r0, xs)]
        c.append(mpf(rnd(remez(xs, f, [w * abs(x) ** j for w, x in zip(w0, xs)], n - j)[0])))
    return c

def err(lo, hi, c, rest, weight):
    return max(weight(x) * abs(rest(x) - sum(ck * x ** k for k, ck in enumerate(c))) for x in grid(lo, hi, 3001))

def show(name, ty, c, note):
    print(f"// {note}")
    p = 17 if ty == 'f64' else 9
    print(f"const {name}: [{ty}; {len(c)}] = [")
    for v in c: print(f"    {float(v):.{p-1}e},")
    print("];\n", flush=True)

half_ln2, zmax = log(2) / 2, ((sqrt(2) - 1) / (sqrt(2) + 1)) ** 2
amax2 = mpf(1) / 64

for ty, rnd, n in (('f64', f64, 12), ('f32', f32, 7)):
    # exp(r): c0 = c1 = 1
    c = fit(-half_ln2, half_ln2, n, exp, lambda r: exp(-r), rnd, [mpf(1), mpf(1)])
    e = err(-half_ln2, half_ln2, c, exp, lambda r: exp(-r))
    show(f"EXP_{ty.upper()}", ty, c, f"exp(r) = sum c_k r^k, |r| <= ln2/2; max rel err {mp.nstr(e, 4)}")
for ty, rnd, tol in (('f64', f64, 2e-17), ('f32', f32, 1e-8)):
    # log(1+f) = 2s + s z L(z), z = s^2;  L(z) = (2 atanh(s)/s - 2)/z
    L = lambda z: (log((1 + sqrt(z)) / (1 - sqrt(z))) / sqrt(z) - 2) / z
    w = lambda z: z / (log((1 + sqrt(z)) / (1 - sqrt(z))) / sqrt(z))
    for n in range(2, 10):
        c = fit(mpf(0), zmax, n, L, w, rnd); e = err(mpf(0), zmax, c, L, w)
        if e < tol: break
    show(f"LOG_{ty.upper()}", ty, c, f"log(1+f) = 2s + s z L(z), s = f/(2+f), z = s^2 <= {mp.nstr(zmax, 8)}, degree {n-1}; max rel err of log {mp.nstr(e, 4)}")
for ty, rnd, tol in (('f64', f64, 2e-17), ('f32', f32, 1e-8)):
    # sin(2 pi a) = a S(z), z = a^2.  S_0 = fl(2 pi) alone costs |fl(2pi)/2pi - 1|; S_LO = 2 pi - S_0 restores it.
    S = lambda z: sin(2 * pi * sqrt(z)) / sqrt(z)
    w = lambda z: sqrt(z) / sin(2 * pi * sqrt(z))
    for n in range(3, 12):
        c = fit(mpf(0), amax2, n, S, w, rnd, [2 * pi]); e = err(mpf(0), amax2, c, S, w)
        if e < tol: break
    s0 = mpf(rnd(2 * pi)); plain = [s0] + c[1:]; ep = err(mpf(0), amax2, plain, S, w)
    lo = rnd(2 * pi - s0); e = err(mpf(0), amax2, [s0 + mpf(lo)] + c[1:], S, w)
    show(f"SIN_{ty.upper()}", ty, plain, f"sin(2 pi a) = a S(a^2), |a| <= 1/8, degree {n-1} in a^2; max rel err {mp.nstr(ep, 4)} as printed (the rounding of 2 pi), {mp.nstr(e, 4)} with S_0 + SIN_LO")
    print(f"const SIN_LO_{ty.upper()}: {ty} = {lo:.{16 if ty=='f64' else 8}e};\n")
    C = lambda z: cos(2 * pi * sqrt(z)); w = lambda z: 1 / cos(2 * pi * sqrt(z))
    for n in range(3, 12):
        c = fit(mpf(0), amax2, n, C, w, rnd, [mpf(1)]); e = err(mpf(0), amax2, c, C, w)
        if e < tol: break
    show(f"COS_{ty.upper()}", ty, c, f"cos(2 pi a) = C(a^2), |a| <= 1/8, degree {n-1} in a^2; max rel err {mp.nstr(e, 4)}")
