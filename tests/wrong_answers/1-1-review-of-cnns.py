# %% ex-parameters: the biases are parameters, too
counts = 5 * 5 * 8, 3 * 3 * 8 * 16, 256 * 10

# %% ex-parameters: the second layer has stride 2
counts = [208, 1168, 8 * 8 * 16 * 10 + 10]

# %% ex-conv-matrix: it is transposed
def conv_matrix(f, H, W, p=0, s=1):
    pictures = np.eye(H * W).reshape(H * W, H, W, 1)
    return conv2d(pictures, f[:, :, np.newaxis, np.newaxis], p, s).reshape(H * W, -1)


# %% ex-conv-matrix: the filter is mirrored
def conv_matrix(f, H, W, p=0, s=1):
    pictures = np.eye(H * W).reshape(H * W, H, W, 1)
    f = f[::-1, ::-1, np.newaxis, np.newaxis]
    return conv2d(pictures, f, p, s).reshape(H * W, -1).T


# %% ex-conv-matrix: `p` and `s` are not used
def conv_matrix(f, H, W, p=0, s=1):
    pictures = np.eye(H * W).reshape(H * W, H, W, 1)
    return conv2d(pictures, f[:, :, np.newaxis, np.newaxis]).reshape(H * W, -1).T


# %% ex-conv-matrix: not in the order of `ravel`
def conv_matrix(f, H, W, p=0, s=1):
    pictures = np.eye(H * W).reshape(H * W, W, H, 1).swapaxes(1, 2)
    return conv2d(pictures, f[:, :, np.newaxis, np.newaxis], p, s).reshape(H * W, -1).T


# %% ex-conv-matrix: cannot reshape
def conv_matrix(f, H, W, p=0, s=1):
    pictures = np.eye(64).reshape(64, 8, 8, 1)
    return conv2d(pictures, f[:, :, np.newaxis, np.newaxis], p, s).reshape(64, 36).T


# %% ex-adjoint: what they put back adds up
first_row = np.ones(7)

# %% ex-adjoint: this is for stride 1
first_row = [1, 2, 3, 3, 3, 2, 1]

# %% ex-polynomials: b is not turned
def product(a, b):
    b = b[:, :, np.newaxis, np.newaxis]
    return conv2d(a[np.newaxis, :, :, np.newaxis], b, padding=len(b) - 1)[0, :, :, 0]


# %% ex-polynomials: the padding is missing
def product(a, b):
    turned = np.rot90(b, 2)[:, :, np.newaxis, np.newaxis]
    return conv2d(a[np.newaxis, :, :, np.newaxis], turned)[0, :, :, 0]


# %% ex-polynomials: the padding is too small
def product(a, b):
    turned = np.rot90(b, 2)[:, :, np.newaxis, np.newaxis]
    return conv2d(a[np.newaxis, :, :, np.newaxis], turned, padding=1)[0, :, :, 0]


# %% ex-polynomials: half a turn is needed
def product(a, b):
    turned = b.T[:, :, np.newaxis, np.newaxis]
    return conv2d(a[np.newaxis, :, :, np.newaxis], turned, padding=len(b) - 1)[0, :, :, 0]


# %% ex-polynomials: half a turn reverses both axes
def product(a, b):
    turned = np.flip(b, axis=0)[:, :, np.newaxis, np.newaxis]
    return conv2d(a[np.newaxis, :, :, np.newaxis], turned, padding=len(b) - 1)[0, :, :, 0]


# %% ex-polynomials: the axes of one picture and one channel
def product(a, b):
    turned = np.rot90(b, 2)[:, :, np.newaxis, np.newaxis]
    return conv2d(a[np.newaxis, :, :, np.newaxis], turned, padding=len(b) - 1)


# %% ex-frozen: all parameters have moved
def train_last(theta, losses, eta, free):
    for loss_t in losses:
        theta = theta - eta * grad(loss_t)(theta)
    return theta


# %% ex-frozen: the last ones are frozen
def train_last(theta, losses, eta, free):
    mask = np.arange(len(theta)) < len(theta) - free
    for loss_t in losses:
        theta = theta - eta * mask * grad(loss_t)(theta)
    return theta


# %% ex-frozen: this is the first step
def train_last(theta, losses, eta, free):
    for loss_t in losses:
        theta = theta.copy()
        theta[-free:] -= eta * grad(loss_t)(theta)[-free:]
        return theta


# %% ex-frozen: the first `free` parameters have moved
def train_last(theta, losses, eta, free):
    mask = np.arange(len(theta)) < free
    for loss_t in losses:
        theta = theta - eta * mask * grad(loss_t)(theta)
    return theta


# %% ex-frozen: every step needs the gradient where it begins
def train_last(theta, losses, eta, free):
    mask = np.arange(len(theta)) >= len(theta) - free
    return theta - eta * mask * sum(grad(loss_t)(theta) for loss_t in losses)


# %% ex-frozen: is a `return` missing?
def train_last(theta, losses, eta, free):
    for loss_t in losses:
        theta[-free:] -= eta * grad(loss_t)(theta)[-free:]
