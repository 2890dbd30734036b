/**
 * How many characters have to be put in, taken out or replaced to make one text the other (Levenshtein).
 *
 * @param {string} from
 * @param {string} to
 */
export function edits(from, to) {
  let above = Array.from({ length: to.length + 1 }, (_, j) => j)
  for (let i = 1; i <= from.length; i++) {
    const row = [i]
    for (let j = 1; j <= to.length; j++) {
      const replaced = above[j - 1] + (from[i - 1] === to[j - 1] ? 0 : 1)
      row.push(Math.min(replaced, above[j] + 1, row[j - 1] + 1))
    }
    above = row
  }
  return above[to.length]
}
