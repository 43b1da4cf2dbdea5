/**
 * Names for agents, so that people can tell them apart.
 *
 * @module
 */

const names = [
  "Agnesi",
  "Alder",
  "Banneker",
  "Bohr",
  "Boole",
  "Borel",
  "Carver",
  "Cauchy",
  "Cantor",
  "Curie",
  "Dirac",
  "Erdos",
  "Euler",
  "Fermi",
  "Fourier",
  "Galois",
  "Germain",
  "Goodall",
  "Hamilton",
  "Hilbert",
  "Hopper",
  "Huygens",
  "Jemison",
  "Johnson",
  "Khayyam",
  "Kovalevskaya",
  "Lagrange",
  "Lamarr",
  "Laplace",
  "Leibniz",
  "Maxwell",
  "Meitner",
  "Mendel",
  "Mirzakhani",
  "Napier",
  "Noether",
  "Ohm",
  "Pascal",
  "Peano",
  "Planck",
  "Ramanujan",
  "Riemann",
  "Rubin",
  "Sagan",
  "Somerville",
  "Turing",
  "Volta",
  "Wiles",
  "Wu",
  "Yalow"
]

/** A name by a random id, different from the taken ones while there are others. */
export const nicknameFor = (id: string, taken: ReadonlyArray<string | null | undefined>): string => {
  const free = names.filter((name) => !taken.includes(name))
  const left = free.length === 0 ? names : free
  return left[Number.parseInt(id.slice(-6), 16) % left.length] ?? "Agent"
}
