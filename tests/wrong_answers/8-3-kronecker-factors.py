# %% ex-two-sides: only the inputs' side
divided = [[3.0, 2.0], [1.0, 2.0]]
# %% ex-two-sides: this multiplies
divided = [[8.0, 5.0], [16.0, 12.0]]
# %% ex-two-sides: on the wrong sides
divided = [[1.0, -1.0], [1.0, 3.0]]
# %% ex-two-classes: `true_fisher`: the Fisher information is the mean over both targets
true_fisher, empirical_one, ratio = "(1 - p)**2", "(1 - p)**2", "1"
# %% ex-two-classes: `empirical_one`: this is the gradient
true_fisher, empirical_one, ratio = "p * (1 - p)", "1 - p", "1 / p"
# %% ex-two-classes: `ratio`: it is the other way round
true_fisher, empirical_one, ratio = "p - p**2", "(1 - p)**2", "p / (1 - p)"
# %% ex-layer-factors: the bias is missing
def layer_factors(a, e):
    return a.T @ a / len(a), len(a) * e.T @ e
# %% ex-layer-factors: an example's own is N times as large
def layer_factors(a, e):
    a = np.hstack([a, np.ones((len(a), 1))])
    return a.T @ a / len(a), e.T @ e / len(a)
# %% ex-layer-factors: A is the sum over examples
def layer_factors(a, e):
    a = np.hstack([a, np.ones((len(a), 1))])
    return a.T @ a, len(a) * e.T @ e
# %% ex-layer-factors: one for each input
def layer_factors(a, e):
    a = np.hstack([a, np.ones((len(a), 1))])
    return a @ a.T / len(a), len(a) * e @ e.T
# %% ex-shampoo-step: not -1/2
def shampoo_step(D, L, R):
    def root(S):
        values, Q = np.linalg.eigh(S)
        return Q * values**-0.5 @ Q.T
    return root(L) @ D @ root(R)
# %% ex-shampoo-step: these are the inverses
def shampoo_step(D, L, R):
    return np.linalg.solve(L, D) @ np.linalg.inv(R)
# %% ex-shampoo-step: it divides
def shampoo_step(D, L, R):
    def root(S):
        values, Q = np.linalg.eigh(S)
        return Q * values**0.25 @ Q.T
    return root(L) @ D @ root(R)
# %% ex-shampoo-step: the minus sign
def shampoo_step(D, L, R):
    def root(S):
        values, Q = np.linalg.eigh(S)
        return Q * values**-0.25 @ Q.T
    return -root(L) @ D @ root(R)
# %% ex-nearest-product: one step of the power method
def nearest(F, m, n):
    T = F.reshape(m, n, m, n)
    L, R = np.einsum("ikjk->ij", T), np.einsum("ikil->kl", T)
    return np.kron(L, R) / np.trace(L)
# %% ex-nearest-product: rearrange its entries first
def nearest(F, m, n):
    values, Q = np.linalg.eigh(F)
    return values[-1] * np.outer(Q[:, -1], Q[:, -1])
# %% ex-nearest-product: the first singular value is missing
def nearest(F, m, n):
    U, s, Vt = np.linalg.svd(F.reshape(m, n, m, n).swapaxes(1, 2).reshape(m * m, n * n))
    return np.kron(U[:, 0].reshape(m, m), Vt[0].reshape(n, n))
# %% ex-nearest-product: the axes are not swapped
def nearest(F, m, n):
    U, s, Vt = np.linalg.svd(F.reshape(m * m, n * n))
    return np.kron(s[0] * U[:, 0].reshape(m, m), Vt[0].reshape(n, n))
