# %% ex-nonconstant-direction: has to be held fixed
def along_gradient(loss, theta):
    g = grad(loss)
    return grad(lambda theta: np.vdot(g(theta), g(theta)))(theta)


# %% ex-nonconstant-direction: it is divided by |g|
def along_gradient(loss, theta):
    return grad(lambda theta: np.linalg.norm(grad(loss)(theta)))(theta)


# %% ex-nonconstant-direction: the components of the gradient are added up
def along_gradient(loss, theta):
    return grad(lambda theta: np.sum(grad(loss)(theta)))(theta)


# %% ex-nonconstant-direction: this is the pairing
def along_gradient(loss, theta):
    g = grad(loss)(theta)
    return np.vdot(grad(loss)(theta), g)


# %% ex-nonconstant-direction: has the shape (1210,)
def along_gradient(loss, theta):
    return hvp(loss, theta0, grad(loss)(theta0))


# %% ex-gauss-newton: this is H v
def gauss_newton(c, f, theta, v):
    return hvp(lambda theta: c(f(theta)), theta, v)


# %% ex-gauss-newton: the curvature of c is missing
def gauss_newton(c, f, theta, v):
    logits, Jv = jvp(f, theta, v)
    return vjp(f, theta)[1](Jv)


# %% ex-gauss-newton: belongs to the logits
def gauss_newton(c, f, theta, v):
    logits, Jv = jvp(f, theta, v)
    return hvp(c, logits, Jv)


# %% ex-gauss-newton: this is the gradient
def gauss_newton(c, f, theta, v):
    return vjp(f, theta)[1](grad(c)(f(theta)))


# %% ex-newton-cg: the solution and a flag
def newton_step(loss, theta, damping=0.05):
    H = hessian(loss, theta)
    return cg(LinearOperator(H.shape, lambda x: H @ x + damping * x), -grad(loss)(theta))


# %% ex-newton-cg: it goes uphill
def newton_step(loss, theta, damping=0.05):
    H = hessian(loss, theta)
    return cg(LinearOperator(H.shape, lambda x: H @ x + damping * x), grad(loss)(theta))[0]


# %% ex-newton-cg: the damping is missing
def newton_step(loss, theta, damping=0.05):
    return cg(hessian(loss, theta), -grad(loss)(theta))[0]


# %% ex-newton-cg: whatever the argument says
def newton_step(loss, theta, damping=0.05):
    H = hessian(loss, theta)
    return cg(LinearOperator(H.shape, lambda x: H @ x + 0.05 * x), -grad(loss)(theta))[0]


# %% ex-newton-cg: the step d alone
def newton_step(loss, theta, damping=0.05):
    return theta - np.linalg.solve(hessian(loss, theta).dense() + damping * np.eye(len(theta)), grad(loss)(theta))
