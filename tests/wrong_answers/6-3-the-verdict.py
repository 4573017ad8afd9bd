# %% ex-best-of-k: the first trial is the frozen setting
def expected_best(tuning, judged, k):
    from itertools import combinations

    subsets = list(combinations(range(len(tuning)), k))
    return np.mean([judged[min(of, key=lambda j: tuning[j])] for of in subsets])


# %% ex-best-of-k: the frozen setting is one of the k trials
def expected_best(tuning, judged, k):
    from itertools import combinations

    subsets = list(combinations(range(1, len(tuning)), min(k, len(tuning) - 1)))
    return np.mean([judged[min((0, *of), key=lambda j: tuning[j])] for of in subsets])


# %% ex-best-of-k: without replacement
def expected_best(tuning, judged, k):
    from itertools import product

    subsets = list(product(range(len(tuning)), repeat=k - 1))
    return np.mean([judged[min((0, *of), key=lambda j: tuning[j])] for of in subsets])


# %% ex-best-of-k: chosen by its tuning score
def expected_best(tuning, judged, k):
    from itertools import combinations

    subsets = list(combinations(range(1, len(tuning)), k - 1))
    return np.mean([min(judged[[0, *of]]) for of in subsets])


# %% ex-best-of-k: this is the tuning score of the best
def expected_best(tuning, judged, k):
    from itertools import combinations

    subsets = list(combinations(range(1, len(tuning)), k - 1))
    return np.mean([min(tuning[[0, *of]]) for of in subsets])


# %% ex-winners-curse: changed places
def yardsticks(choosing, judging):
    means = judging.mean(axis=1)
    return np.exp(means[np.argmin(choosing.mean(axis=1))]), np.exp(means.min())


# %% ex-winners-curse: each seed has a best of its own
def yardsticks(choosing, judging):
    means = judging.mean(axis=1)
    return np.exp(judging.min(axis=0).mean()), np.exp(means[np.argmin(choosing.mean(axis=1))])


# %% ex-winners-curse: judged on the seeds that chose it
def yardsticks(choosing, judging):
    return np.exp(judging.mean(axis=1).min()), np.exp(choosing.mean(axis=1).min())


# %% ex-winners-curse: arithmetic means
def yardsticks(choosing, judging):
    means = np.exp(judging).mean(axis=1)
    return means.min(), means[np.argmin(np.exp(choosing).mean(axis=1))]


# %% ex-winners-curse: these are logarithms
def yardsticks(choosing, judging):
    means = judging.mean(axis=1)
    return means.min(), means[np.argmin(choosing.mean(axis=1))]
