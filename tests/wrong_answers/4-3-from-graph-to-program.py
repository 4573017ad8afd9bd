# %% ex-common: later lines must read the name that is kept
def common(lines):
    seen, kept = set(), []
    for name, function, arguments in lines:
        if (function, arguments) not in seen:
            seen.add((function, arguments))
            kept.append((name, function, arguments))
    return kept


# %% ex-common: rename before you look a line up
def common(lines):
    seen, names, kept = {}, {}, []
    for name, function, arguments in lines:
        if (function, arguments) in seen:
            names[name] = seen[function, arguments]
        else:
            seen[function, arguments] = name
            renamed = tuple(names.get(a, a) for a in arguments)
            kept.append((name, function, renamed))
    return kept


# %% ex-common: function and order count
def common(lines):
    seen, names, kept = {}, {}, []
    for name, function, arguments in lines:
        arguments = tuple(names.get(a, a) for a in arguments)
        key = function, tuple(sorted(arguments))
        names[name] = seen.setdefault(key, name)
        if names[name] == name:
            kept.append((name, function, arguments))
    return kept


# %% ex-common: it leaves nothing out
def common(lines):
    return lines


# %% ex-one-program: programs were traced
def hinge(x):
    if x >= 1:
        return 0.0 * x
    return (1 - x) ** 2 / 2 if x > 0 else 0.5 - x


# %% ex-one-program: the pieces must meet at 0
def hinge(x):
    return np.where(x > 0, np.where(x < 1, (1 - x) ** 2 / 2, 0.0), -x)


# %% ex-one-program: for x >= 1 it is 0
def hinge(x):
    return np.where(x > 0, (1 - x) ** 2 / 2, 0.5 - x)


# %% ex-peak: the sum of all sizes
def peak(sizes, last):
    return sum(sizes)


# %% ex-peak: the largest array
def peak(sizes, last):
    return max(sizes)


# %% ex-peak: in the step that reads it last
def peak(sizes, last):
    steps = range(len(sizes))
    return max(sum(s for j, s in enumerate(sizes) if j == k or j < k < last[j]) for k in steps)
