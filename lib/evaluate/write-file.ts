import { TemporaryFile } from './temporary.ts'

/** Writes a file under another name and renames it in the end: under its own name it is whole, or what it was before. */
export async function writeFile(path: string, content: string | Uint8Array): Promise<void> {
  const file = await TemporaryFile.open(path)
  try {
    await file.write(typeof content === 'string' ? Buffer.from(content) : content)
    await file.finish()
  } catch (error) {
    await file.discard()
    throw error
  }
}
