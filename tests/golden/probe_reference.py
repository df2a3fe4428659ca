"""Exact stationary covariance of each sampler on N(0, 1/k), b(x) = -k x, dimension 1 (METHODS.md).

usage: python3 probe_reference.py         > probe_reference.csv
       python3 probe_reference.py check   > probe_check.txt       (table 10.1 and internal cross-checks)

No simulation: a step is  z+ = M z + B xi  with M, B random through the coins only, so S solves
S = E[M S M'] + E[B B'].  Here E[M (x) M] and E[B B'] are averaged exactly (Bernoulli: second-moment recursion;
U: all values; alpha: tensor Gauss-Legendre) in 40-digit arithmetic; inputs are the f64 values printed.
Overdamped rows carry 0 in friction, inverse_mass, cov01, cov11.  K = 0 in rm rows, R = P = 0 in the others.
"""
import sys, itertools
from functools import lru_cache
import numpy as np
from mpmath import mp, mpf, matrix, lu_solve, exp, nstr, legendre
mp.dps = 40
O, Z = mpf(1), mpf(0)
def arr(x): return np.array(x, dtype=object)
def eye(n): return arr([[O if i == j else Z for j in range(n)] for i in range(n)])
def zeros(*s): a = np.empty(s, dtype=object); a[...] = Z; return a

# ---- dynamics: duration -> (A, G, Q), and J; autonomous -------------------------------------------------------
class Over:
    d = 1
    J = arr([[O]])
    def prop(self, s): return arr([[O]]), arr([[s]]), arr([[2 * s]])

class Under:
    d = 2
    def __init__(self, g, u): self.g, self.u, self.J = mpf(g), mpf(u), arr([[Z], [mpf(u)]])
    @lru_cache(None)
    def prop(self, s):
        g, u = self.g, self.u; e1, e2 = 1 - exp(-g * s), 1 - exp(-2 * g * s)
        A = arr([[O, e1 / g], [Z, 1 - e1]]); G = arr([[u * (s - e1 / g) / g], [u * e1 / g]])
        q01 = u * e1 ** 2 / g
        return A, G, arr([[u * 2 / g * (s - 2 * e1 / g + e2 / (2 * g)), q01], [q01, u * e2]])

class UnderEuler(Under):                       # 1.2: (I + sL, sJ, s S S')
    @lru_cache(None)
    def prop(self, s):
        g, u = self.g, self.u
        return arr([[O, s], [Z, 1 - g * s]]), arr([[Z], [u * s]]), arr([[Z, Z], [Z, 2 * g * u * s]])

# ---- one step -> (E[M (x) M], E[B B']) -----------------------------------------------------------------------
def em(dyn, h, k):
    A, G, Q = dyn.prop(h); M = A.copy(); M[:, :1] = M[:, :1] - k * G
    return np.kron(M, M), Q

def substep(dyn, h, K, k, rho):
    """joint z = (X_i, Xhat_i, X_0): z+ = (M0 + K H M1) z + noise,  noise covariance N."""
    d = dyn.d; A, G, Q = dyn.prop(h / K); I = eye(d)
    M0 = zeros(3 * d, 3 * d); M1 = zeros(3 * d, 3 * d); N = zeros(3 * d, 3 * d)
    M0[:d, :d] = A; M0[d:2*d, d:2*d] = A; M0[2*d:, 2*d:] = I
    for r in (0, d): M0[r:r+d, 2*d:2*d+1] = -k * G               # G' b0
    M1[:d, d:d+1] = -k * G; M1[:d, 2*d:2*d+1] = k * G            # G' (b(Xhat) - b0)
    for r in (0, d):
        for c in (0, d): N[r:r+d, c:c+d] = rho ** 2 * Q          # same normals in both chains
    return M0, M1, N

def pmm1(dyn, h, k, K, rho):
    """E[z z'] recursion; E[KH] = 1, Var[KH] = K - 1.  Run it on a basis of E[X X'] and on zero with noise."""
    d = dyn.d; M0, M1, N = substep(dyn, h, K, k, rho); Mb = M0 + M1
    D = np.vstack([eye(d)] * 3)
    def run(C, noise):
        for _ in range(K): C = Mb @ C @ Mb.T + (K - 1) * (M1 @ C @ M1.T) + noise
        return C[:d, :d]
    MM = zeros(d * d, d * d)
    for c in range(d * d):
        E = zeros(d, d); E[c // d, c % d] = O                    # need not be symmetric: the recursion is linear
        MM[:, c] = run(D @ E @ D.T, 0 * N).reshape(-1)
    return MM, run(0 * N, N)

def pmm_coins(dyn, h, k, K, rho, coins):
    """average over explicit coin vectors [(weight, (H_0..H_{K-1}))]"""
    d = dyn.d; M0, M1, N = substep(dyn, h, K, k, rho); D = np.vstack([eye(d)] * 3)
    MM, BB = zeros(d * d, d * d), zeros(d, d)
    for w, H in coins:
        T, C = D, 0 * N
        for Hi in H:
            M = M0 + K * M1 if Hi else M0
            T, C = M @ T, M @ C @ M.T + N
        M = T[:d]; MM = MM + w * np.kron(M, M); BB = BB + w * C[:d, :d]
    return MM, BB

def pmm2(dyn, h, k, K, rho): return pmm_coins(dyn, h, k, K, rho, [(O / K, [i == U for i in range(K)]) for U in range(K)])

@lru_cache(None)
def gauss(n):                                                    # nodes, weights on [0, 1]
    with mp.workdps(60):
        out = []
        for i in range(n):
            x = mp.cos(mp.pi * (i + mpf(3) / 4) / (n + mpf(1) / 2))
            for _ in range(8):                                   # Newton
                dp = n * (x * legendre(n, x) - legendre(n - 1, x)) / (x * x - 1); x = x - legendre(n, x) / dp
            out.append(((1 + x) / 2, 1 / ((1 - x * x) * dp ** 2)))
    assert abs(sum(w for _, w in out) - 1) < mpf(10) ** -38
    return out

def rm(dyn, h, k, R, P, cv, n=12):
    d, J = dyn.d, dyn.J; dl = h / R; A, G, _ = dyn.prop(h)
    MM, BB = zeros(d * d, d * d), zeros(d, d); m = d * (R + 2)   # columns: X, then fresh noise of R+1 segments
    pos = zeros(1, m); pos[0, 0] = O                             # row of x(X)
    for nodes in itertools.product(gauss(n), repeat=R):
        w = O; tau = []
        for i, (x, wt) in enumerate(nodes): w = w * wt; tau.append((i + x) * dl)
        ends = tau + [h]; Nc = []; Qs = []; cur = zeros(d, m); t = Z
        for i, e in enumerate(ends):                             # one path, composition laws
            a, _, q = dyn.prop(e - t); cur = a @ cur
            cur[:, d*(i+1):d*(i+2)] = cur[:, d*(i+1):d*(i+2)] + eye(d); Nc.append(cur); Qs.append(q); t = e
        def lin(e, N):                                           # A(t0, e) X + N
            out = N.copy(); out[:, :d] = out[:, :d] + dyn.prop(e)[0]; return out
        base = [lin(tau[i], Nc[i])[:1] for i in range(R)]        # position rows only: b sees nothing else
        x = [base[i] - k * dyn.prop(tau[i])[1][0, 0] * pos for i in range(R)]
        W = {}
        for i in range(R):
            for j in range(i + 1):
                e = min((j + 1) * dl, tau[i])
                W[i, j] = (dyn.prop(tau[i] - e)[0] @ dyn.prop(e - j * dl)[1])[0, 0]
        for _ in range(P):
            x = [base[i] + sum(-k * W[i, j] * x[j] for j in range(i + 1)) for i in range(R)]
        F = lin(h, Nc[R])
        if cv: F = F + G @ (-k * pos)
        for i in range(R):
            F = F + dl * (dyn.prop(h - tau[i])[0] @ J) @ (-k * (x[i] - pos if cv else x[i]))
        M = F[:, :d]; MM = MM + w * np.kron(M, M)
        for s in range(R + 1):
            B = F[:, d*(s+1):d*(s+2)]; BB = BB + w * (B @ Qs[s] @ B.T)
    return MM, BB

def stationary(MB):
    MM, BB = MB; n = MM.shape[0]; I = eye(n)
    S = lu_solve(matrix((I - MM).tolist()), matrix(BB.reshape(-1).tolist()))
    v = np.array(MM, dtype=float); assert max(abs(np.linalg.eigvals(v))) < 1, "unstable setting"
    return [S[i] for i in range(n)]

NAMES = {"overdamped": Over, "underdamped": Under, "underdamped-euler": UnderEuler}
def cov(dyn, method, h, K=1, R=0, P=0, cv=0, rho=1.0, g=2.0, u=1.0, k=1.0):
    D = Over() if dyn == "overdamped" else NAMES[dyn](g, u); h, k, rho = mpf(h), mpf(k), mpf(rho)
    if method == "em": return stationary(em(D, h, k))
    if method == "pmm1": return stationary(pmm1(D, h, k, K, rho))
    if method == "pmm2": return stationary(pmm2(D, h, k, K, rho))
    return stationary(rm(D, h, k, R, P, cv))

def settings():
    o, un, ue = "overdamped", "underdamped", "underdamped-euler"
    for dyn in (o, un):                                          # table 10.1
        for h in (0.4, 0.1):
            yield dyn, "em", h, {}
            for K in (4, 16):
                for m in ("pmm1", "pmm2"): yield dyn, m, h, dict(K=K)
            if dyn == o: yield dyn, "em", h / 16, {}
            yield dyn, "rm", h, dict(R=1, P=0); yield dyn, "rm", h, dict(R=2, P=2)
    # overdamped
    for k, h in ((0.5, 0.3), (2.5, 0.2)): yield o, "em", h, dict(k=k)
    for K, k, h, rho in ((1, 1.0, 0.4, 1.0), (3, 2.5, 0.2, 1.0), (5, 0.5, 0.7, 1.0), (7, 1.0, 0.25, 0.8), (64, 1.0, 0.3, 1.0),
                         (64, 2.5, 0.1, 0.8), (4, 0.5, 0.05, 0.8)):
        for m in ("pmm1", "pmm2"): yield o, m, h, dict(K=K, k=k, rho=rho)
    for R, P, k, h, cv in ((1, 0, 1.0, 0.4, 1), (1, 1, 0.5, 0.6, 0), (1, 1, 2.5, 0.2, 1), (2, 2, 1.0, 0.4, 1), (2, 2, 2.5, 0.15, 0), (2, 0, 1.0, 0.3, 0),
                           (3, 0, 2.5, 0.2, 0), (3, 1, 0.5, 0.5, 1), (3, 1, 1.0, 0.3, 0), (3, 3, 1.0, 0.3, 0), (3, 3, 2.5, 0.25, 1)):
        yield o, "rm", h, dict(R=R, P=P, cv=cv, k=k)
    # underdamped
    for g, u, k, h in ((0.5, 1.0, 1.0, 0.1), (3.3, 0.4, 2.5, 0.3), (2.0, 0.4, 0.5, 0.5)): yield un, "em", h, dict(g=g, u=u, k=k)
    for K, g, u, k, h, rho in ((1, 2.0, 1.0, 1.0, 0.4, 1.0), (3, 0.5, 1.0, 1.0, 0.15, 1.0), (5, 3.3, 0.4, 2.5, 0.3, 1.0), (7, 2.0, 0.4, 0.5, 0.6, 0.8),
                               (16, 3.3, 1.0, 1.0, 0.25, 0.8), (64, 2.0, 1.0, 1.0, 0.4, 1.0), (3, 2.0, 1.0, 2.5, 0.05, 1.0)):
        for m in ("pmm1", "pmm2"): yield un, m, h, dict(K=K, g=g, u=u, k=k, rho=rho)
    for R, P, g, u, k, h, cv in ((1, 0, 2.0, 1.0, 1.0, 0.4, 1), (1, 0, 0.5, 1.0, 1.0, 0.2, 0), (1, 1, 3.3, 0.4, 2.5, 0.3, 0), (1, 1, 2.0, 0.4, 0.5, 0.7, 1),
                                 (2, 2, 2.0, 1.0, 1.0, 0.4, 1), (2, 2, 3.3, 1.0, 2.5, 0.2, 0), (2, 0, 0.5, 0.4, 1.0, 0.3, 0), (3, 0, 2.0, 1.0, 1.0, 0.4, 0),
                                 (3, 1, 3.3, 0.4, 0.5, 0.6, 1), (3, 1, 0.5, 1.0, 2.5, 0.15, 0), (3, 3, 2.0, 1.0, 1.0, 0.4, 0), (3, 3, 3.3, 0.4, 2.5, 0.5, 1)):
        yield un, "rm", h, dict(R=R, P=P, cv=cv, g=g, u=u, k=k)
    # linearized (1.2)
    for g, u, k, h in ((2.0, 1.0, 1.0, 0.1), (3.3, 0.4, 2.5, 0.2), (0.5, 1.0, 0.5, 0.05)): yield ue, "em", h, dict(g=g, u=u, k=k)
    for K, g, u, k, h, rho in ((1, 2.0, 1.0, 1.0, 0.1, 1.0), (4, 2.0, 1.0, 1.0, 0.2, 1.0), (5, 3.3, 0.4, 2.5, 0.2, 1.0), (16, 2.0, 1.0, 0.5, 0.4, 0.8)):
        for m in ("pmm1", "pmm2"): yield ue, m, h, dict(K=K, g=g, u=u, k=k, rho=rho)

def e17(v): return nstr(v, 17, strip_zeros=False, min_fixed=0, max_fixed=0)

if sys.argv[1:] == ["check"]:
    T = {("overdamped", 0.4): "2.500e-1 1.139e-1 8.108e-2 1.078e-1 3.273e-2 1.266e-2 1.594e-2 1.189e-2",
         ("overdamped", 0.1): "5.263e-2 1.518e-2 1.376e-2 6.734e-3 3.610e-3 3.135e-3 1.842e-4 8.197e-4",
         ("underdamped", 0.4): "1.096e-1 2.765e-2 2.643e-2 9.353e-3 6.613e-3 1.344e-3 7.185e-4",
         ("underdamped", 0.1): "2.562e-2 6.323e-3 6.302e-3 1.617e-3 1.570e-3 2.086e-5 1.256e-5"}
    bad = 0
    for (dyn, h), line in T.items():
        cols = [("em", {}), ("pmm1", dict(K=4)), ("pmm2", dict(K=4)), ("pmm1", dict(K=16)), ("pmm2", dict(K=16))]
        if dyn == "overdamped": cols.append(("em16", {}))
        cols += [("rm", dict(R=1, P=0)), ("rm", dict(R=2, P=2))]
        for (m, kw), want in zip(cols, line.split()):
            v = cov(dyn, "em", h / 16)[0] - 1 if m == "em16" else cov(dyn, m, h, **kw)[0] - 1
            a, b = f"{float(v):.3e}".split("e"); got = f"{a}e{int(b)}"; bad += got != want
            print(f"{dyn:12s} h={h} {m:5s} {str(kw):18s} table {want:9s} here {float(v):.9e} {'ok' if got == want else 'DIFFERS'}")
    print("table 10.1:", "every digit reproduced" if not bad else f"{bad} entries differ")
    # cross-checks: 2^K masks against the i.i.d. recursion; K = 1 is EM; closed form of EM; RM node count
    for D in (Over(), Under(2.0, 1.0), UnderEuler(3.3, 0.4)):
        K, h, k, rho = 5, mpf(0.2), mpf(2.5), mpf(0.8)
        masks = [(mp.fprod([O / K if H else 1 - O / K for H in Hs]), Hs) for Hs in itertools.product((0, 1), repeat=K)]
        a, b = stationary(pmm1(D, h, k, K, rho)), stationary(pmm_coins(D, h, k, K, rho, masks))
        print("masks vs recursion", type(D).__name__, nstr(max(abs(x - y) for x, y in zip(a, b)), 3))
        a, b = stationary(em(D, h, k)), stationary(pmm1(D, h, k, 1, O))
        print("K=1 vs EM         ", type(D).__name__, nstr(max(abs(x - y) for x, y in zip(a, b)), 3))
        if not isinstance(D, UnderEuler):
            a, b = stationary(rm(D, h, k, 2, 2, 1, 12)), stationary(rm(D, h, k, 2, 2, 1, 15))
            print("RM 12 vs 15 nodes ", type(D).__name__, nstr(max(abs(x - y) for x, y in zip(a, b)), 3))
    h, k = mpf(0.2), mpf(2.5); print("EM closed form    ", nstr(abs(stationary(em(Over(), h, k))[0] - 1 / (k * (1 - k * h / 2))), 3))
else:
    print("dynamics,method,h,K,R,P,control_variate,noise_scale,friction,inverse_mass,curvature,cov00,cov01,cov11")
    for dyn, m, h, kw in settings():
        p = dict(K=1, R=0, P=0, cv=0, rho=1.0, g=2.0, u=1.0, k=1.0); p.update(kw)
        S = cov(dyn, m, h, **p); ov = dyn == "overdamped"
        if m == "rm": p["K"] = 0
        if not ov: assert abs(S[1] - S[2]) < mpf(10) ** -30
        print(",".join([dyn, m, repr(h)] + [str(p[q]) for q in ("K", "R", "P", "cv")] + [repr(p["rho"])] +
              (["0", "0"] if ov else [repr(p["g"]), repr(p["u"])]) + [repr(p["k"]), e17(S[0])] +
              (["0", "0"] if ov else [e17(S[1]), e17(S[3])])), flush=True)
