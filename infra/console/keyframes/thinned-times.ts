/** Times of which every n-th one is kept, with n doubled as often as there would be more than `max`. */
export class ThinnedTimes {
  count = 0;
  readonly #max: number;
  #times: number[] = [];
  #step = 1;

  constructor(max: number) {
    this.#max = max;
  }

  add(time: number): void {
    if (this.count % this.#step === 0) {
      if (this.#times.length === this.#max) {
        this.#times = this.#times.filter((_, index) => index % 2 === 0);
        this.#step *= 2;
      }
      if (this.count % this.#step === 0) this.#times.push(time);
    }
    this.count += 1;
  }

  get kept(): readonly number[] {
    return this.#times;
  }
}
