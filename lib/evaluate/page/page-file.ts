import type { Report } from '../report.ts'
import { TemporaryFile } from '../temporary.ts'
import type { About } from './about.ts'
import { type Draw, loadDraw } from './draw.ts'
import { renderPage } from './page.ts'

/** The file of a page. Whether it can be written and drawn is known before hours of computing, not after. */
export class PageFile {
  readonly #file: TemporaryFile
  readonly #draw: Draw

  private constructor(file: TemporaryFile, draw: Draw) {
    this.#file = file
    this.#draw = draw
  }

  static async open(path: string): Promise<PageFile> {
    const draw = await loadDraw()
    return new PageFile(await TemporaryFile.open(path), draw)
  }

  async finish(report: Report, about: About): Promise<void> {
    await this.#file.write(Buffer.from(await renderPage(report, about, this.#draw)))
    await this.#file.finish()
  }

  discard(): Promise<void> {
    return this.#file.discard()
  }
}
