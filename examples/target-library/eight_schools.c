/* The eight schools, not centred, as a target of `langevin sample`: mu, log tau, theta~[8]. */
#include <math.h>
#include <stddef.h>

enum { SCHOOLS = 8, DIM = SCHOOLS + 2 };
static const double Y[SCHOOLS] = {28, 8, -3, 7, -1, 1, 18, 12};
static const double SIGMA[SCHOOLS] = {15, 10, 16, 11, 9, 11, 10, 18};

size_t langevin_dimension(void) { return DIM; }

int langevin_log_density_gradient(size_t rows, const double *x, double *gradient, double *log_density) {
    for (size_t row = 0; row < rows; row++, x += DIM, gradient += DIM) {
        const double mu = x[0], tau = exp(x[1]), *theta = x + 2;
        /* mu ~ N(0, 5^2); tau ~ half-Cauchy(0, 5), with the Jacobian of its logarithm. */
        double value = -mu * mu / 50 + x[1] - log1p(tau * tau / 25);
        gradient[0] = -mu / 25;
        gradient[1] = 1 - 2 / (1 + 25 / (tau * tau));
        for (int j = 0; j < SCHOOLS; j++) {
            const double miss = (Y[j] - mu - tau * theta[j]) / SIGMA[j];
            value -= (theta[j] * theta[j] + miss * miss) / 2;
            gradient[0] += miss / SIGMA[j];
            gradient[1] += tau * theta[j] * miss / SIGMA[j];
            gradient[2 + j] = -theta[j] + tau * miss / SIGMA[j];
        }
        if (log_density) log_density[row] = value;
    }
    return 0;
}
