/** The names of groups in the order in which they came; the index of a name is the id of its group. */
export class GroupNames {
  readonly names: string[] = []
  readonly #ids = new Map<unknown, number>()

  /** The id of the group of a value: a text or a number. */
  idOf(value: string | number | bigint): number {
    const known = this.#ids.get(value)
    if (known !== undefined) return known
    const id = this.names.length
    this.#ids.set(value, id)
    this.names.push(String(value))
    return id
  }
}
