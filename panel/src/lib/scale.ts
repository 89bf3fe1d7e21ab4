/** The top of a scale: the least of 1, 2, 2.5, 5 times a power of ten that is no less than `value`. Pure. */
export function niceTop(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 2, 2.5, 5, 10].find((step) => step * power >= value * (1 - 1e-9)) ?? 10);
}
