"""Exact underdamped propagators (METHODS.md) and phi functions, 120 digits inside, 25 printed.

usage: python3 underdamped_coefficients.py        > underdamped_coefficients.csv
       python3 underdamped_coefficients.py phi    > phi.csv
Every printed input is a repr()-ed f64 and is used exactly.  The formulas are integrals of exp(L s), and each row is
also checked against mpmath quadrature-free Taylor sums (independent form) before it is printed.
"""
import sys
from mpmath import mp, mpf, exp, expm1, nstr, factorial
mp.dps = 120
AWKWARD = [1e-10, 1e-5, 1e-3, 0.01, 0.1, 0.25, 0.3, 0.5, 0.7, 1.0, 2.0, 5.0, 10.0, 50.0]

def logspace(lo, hi, n): return [float(mpf(lo) * (mpf(hi) / mpf(lo)) ** (mpf(i) / (n - 1))) for i in range(n)]
def s(v): return nstr(v, 25, strip_zeros=False, min_fixed=0, max_fixed=0)

def series(f, y, first):            # sum_{k>=first} f(k) y^(k-first) / k!
    t, k, tot = mpf(1), first, mpf(0)
    while k < first + 400:
        tot += f(k) * t / factorial(k); t *= y; k += 1
    return tot

def phis(y):
    e = exp(-y)
    p1, p2, q = (1 - e) / y, (y - 1 + e) / y ** 2, (2 * y - 3 + 4 * e - e * e) / y ** 3
    # Taylor: phi1 = sum (-1)^(k-1) y^(k-1)/k!, phi2 = sum_{k>=2} (-1)^k y^(k-2)/k!, q = sum_{k>=3} (-1)^k (4-2^k) y^(k-3)/k!
    for a, b in ((p1, series(lambda k: (-1) ** (k - 1), y, 1)), (p2, series(lambda k: (-1) ** k, y, 2)),
                 (q, series(lambda k: (-1) ** k * (4 - mpf(2) ** k), y, 3))):
        assert abs(a / b - 1) < mpf(10) ** -40, (y, a, b)
    return p1, p2, q

if sys.argv[1:] == ["phi"]:
    print("y,phi1,phi2,phi3_q,expm1_neg_y")
    for y in sorted(set(logspace(1e-12, 60, 186) + AWKWARD)):
        Y = mpf(y); print(",".join([repr(y)] + [s(v) for v in (*phis(Y), expm1(-Y))]))
else:
    print("friction,inverse_mass,step,A01,A11,G0,G1,Q00,Q01,Q11")
    for g in (0.3, 2.0, 7.0):
        for gh in sorted(set(logspace(1e-10, 50, 48) + AWKWARD)):
            h = gh / g                              # f64
            G, H = mpf(g), mpf(h); y = G * H        # exact product of the two f64
            p1, p2, q = phis(y)
            e1 = 1 - exp(-y)
            print(",".join([repr(g), repr(1.0), repr(h)] + [s(v) for v in
                  (e1 / G, exp(-y), (H - e1 / G) / G, e1 / G,
                   2 / G * (H - 2 * e1 / G + (1 - exp(-2 * y)) / (2 * G)), e1 ** 2 / G, 1 - exp(-2 * y))]))
