"""What the factorisations of linear algebra perform, to leading order, as LAPACK's algorithms do them.

Counts are those of LAPACK Working Note 41 (Blackford and Dongarra 1999) and, where the number of iterations depends on
the numbers, the estimates of Golub and Van Loan, Matrix Computations (4th ed. 2013). n is the shorter side of a matrix,
m the longer, r the columns of right-hand sides.
"""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from nassim.cost.formulas import Shape, formula


def by_sides(*operations: str) -> Callable[[Callable[[int, int], int]], Callable[[int, int], int]]:
    """Register a formula on the sides m and n of each matrix of the first argument."""

    def register(function: Callable[[int, int], int]) -> Callable[[int, int], int]:
        @formula(*operations)
        def flop(a: Shape, *_: Any, **__: Any) -> int:
            return prod(a[:-2]) * function(max(a[-2:]), min(a[-2:]))

        return function

    return register


@by_sides("linalg_lu_factor_ex", "linalg_lu", "_linalg_det", "_linalg_slogdet")
def lu(m: int, n: int) -> int:
    """Gaussian elimination."""
    return m * n**2 - n**3 // 3


@by_sides("linalg_inv_ex")
def inverse(m: int, n: int) -> int:
    """LU and the solution for the unit matrix."""
    return 2 * n**3


@by_sides("linalg_cholesky_ex")
def cholesky(m: int, n: int) -> int:
    """Half of LU."""
    return n**3 // 3


@by_sides("cholesky_inverse")
def cholesky_inverse(m: int, n: int) -> int:
    """The inverse of the factor, and its product with its transpose."""
    return 2 * n**3 // 3


@by_sides("geqrf", "linalg_householder_product")
def reflections(m: int, n: int) -> int:
    """As many Householder reflections as there are columns."""
    return 2 * m * n**2 - 2 * n**3 // 3


@by_sides("_linalg_eigvals")
def eigenvalues(m: int, n: int) -> int:
    """QR algorithm without vectors (Golub and Van Loan, section 7.5)."""
    return 10 * n**3


@by_sides("linalg_eig")
def eigenvectors(m: int, n: int) -> int:
    """QR algorithm (Golub and Van Loan, section 7.5)."""
    return 25 * n**3


@formula("linalg_qr")
def qr(a: Shape, mode: str = "reduced", **_: Any) -> int:
    """Reflections, and Q from them unless only R is asked for: of all m columns if complete."""
    m, n = max(a[-2:]), min(a[-2:])
    formed = {"r": 0, "reduced": reflections(m, n), "complete": 4 * (m**2 * n - m * n**2) + 4 * n**3 // 3}[mode]
    return prod(a[:-2]) * (reflections(m, n) + formed)


@formula("_linalg_svd")
def svd(a: Shape, full_matrices: bool = False, vectors: bool = True, **_: Any) -> int:
    """Bidiagonalisation after QR (Golub and Van Loan, figure 8.6.1)."""
    m, n = max(a[-2:]), min(a[-2:])
    return prod(a[:-2]) * (6 * m * n**2 + 20 * n**3 if vectors else 2 * m * n**2 + 2 * n**3)


@by_sides("linalg_pinv")
def pseudoinverse(m: int, n: int) -> int:
    """Singular vectors, and the product of both sides of them."""
    return svd((m, n)) + 2 * m * n**2


@formula("_linalg_eigh")
def eigh(a: Shape, uplo: str = "L", vectors: bool = True, **_: Any) -> int:
    """Symmetric QR algorithm (Golub and Van Loan, section 8.3)."""
    return prod(a[:-2]) * (9 * a[-1] ** 3 if vectors else 4 * a[-1] ** 3 // 3)


@formula("linalg_solve_triangular")
def solve_triangular(a: Shape, b: Shape, *, out: Shape, **_: Any) -> int:
    """Substitute once for each right-hand side."""
    return prod(out) * a[-1]


@formula("triangular_solve")
def triangular_solve(b: Shape, a: Shape, *_: Any, out: Sequence[Shape], **__: Any) -> int:
    """Has its arguments the other way round, and returns both."""
    return solve_triangular(a, b, out=out[0])


@formula("cholesky_solve", "_cholesky_solve_helper")
def cholesky_solve(b: Shape, factor: Shape, *_: Any, out: Shape, **__: Any) -> int:
    """Substitute twice."""
    return 2 * solve_triangular(factor, b, out=out)


@formula("linalg_lu_solve")
def lu_solve(factors: Shape, pivots: Shape, b: Shape, *, out: Shape, **_: Any) -> int:
    """Substitute twice."""
    return 2 * solve_triangular(factors, b, out=out)


@formula("_linalg_solve_ex")
def solve(a: Shape, b: Shape, *, out: Sequence[Shape], **_: Any) -> int:
    """LU, and substitute twice."""
    return prod(a[:-2]) * lu(a[-1], a[-1]) + 2 * solve_triangular(a, b, out=out[0])
