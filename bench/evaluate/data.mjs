/** The files that are evaluated, written once into a temporary folder. */

import { createWriteStream, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { DuckDBInstance } from '@duckdb/node-api'

/** Bytes of the largest set of files, and some more. */
const roomBytes = 3 * 2 ** 30

/**
 * @typedef {object} Files
 * @property {string} scores  Parquet: score and label of a binary classifier, two FLOAT columns
 * @property {string} logits  Parquet: lists of ten logits, and labels
 * @property {string} logitsNpy  the same logits as .npy
 * @property {string} labelsNpy
 * @property {string} one  Parquet: one row like those of `scores`
 */

/**
 * @param {string} folder
 * @param {number} rows  of `scores`; the logits have a quarter of them
 * @returns {Promise<Files>}
 */
export async function writeFiles(folder, rows) {
  const { bavail, bsize } = statfsSync(folder)
  if (bavail * bsize < roomBytes) {
    throw new Error(
      `${folder} has ${Math.round((bavail * bsize) / 2 ** 20)} MB free; it takes ${roomBytes / 2 ** 20}.`,
    )
  }
  const file = name => join(folder, name)
  const files = {
    scores: file('scores.parquet'),
    logits: file('logits.parquet'),
    logitsNpy: file('logits.npy'),
    labelsNpy: file('labels.npy'),
    one: file('one.parquet'),
  }
  const instance = await DuckDBInstance.create(':memory:', { memory_limit: '2GB' })
  const connection = await instance.connect()
  // Numbers that look random and are the same in every run.
  const unit = salt => `((hash(i + ${salt}) % 16777216) / 16777216)`
  const scores = count =>
    `SELECT ${unit(0)}::FLOAT AS score, (${unit(1e9)} < ${unit(0)})::FLOAT AS label FROM range(${count}) t(i)`
  await connection.run(`COPY (${scores(rows)}) TO '${files.scores}'`)
  await connection.run(`COPY (${scores(1)}) TO '${files.one}'`)
  const classes = Array.from({ length: 10 }, (_, c) => `(4 * ${unit((c + 2) * 1e9)} - 2)::FLOAT`).join(', ')
  await connection.run(
    `COPY (SELECT [${classes}] AS logits, (hash(i) % 10)::TINYINT AS label FROM range(${rows / 4}) t(i)) TO '${files.logits}'`,
  )
  connection.closeSync()
  instance.closeSync()
  await writeNpy(files, rows / 4)
  return files
}

/** @param {Files} files @param {number} rows */
async function writeNpy({ logitsNpy, labelsNpy }, rows) {
  const logits = npy(logitsNpy, '<f4', [rows, 10])
  const labels = npy(labelsNpy, '|i1', [rows])
  const batch = 100_000
  for (let start = 0; start < rows; start += batch) {
    const count = Math.min(batch, rows - start)
    const numbers = Float32Array.from({ length: count * 10 }, (_, i) => ((start * 10 + i) % 4001) / 1000 - 2)
    const classes = Int8Array.from({ length: count }, (_, i) => ((start + i) * 7) % 10)
    if (!logits.write(new Uint8Array(numbers.buffer))) await new Promise(go => logits.once('drain', go))
    if (!labels.write(new Uint8Array(classes.buffer))) await new Promise(go => labels.once('drain', go))
  }
  logits.end()
  labels.end()
  await Promise.all([finished(logits), finished(labels)])
}

/** A stream into an .npy file, its header written. @param {string} path @param {string} descr @param {number[]} shape */
function npy(path, descr, shape) {
  const stream = createWriteStream(path)
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`
  const padded = `${text.padEnd(117)}\n`
  stream.write(
    Buffer.concat([
      Buffer.from('\x93NUMPY\x01\x00', 'latin1'),
      Buffer.from([padded.length, 0]),
      Buffer.from(padded),
    ]),
  )
  return stream
}
