import { shortId } from '../../base/shortId.ts'
import { imageTree, type LayerNode } from '../../engine/image/tree.ts'
import { localImageName } from '../../engine/registry/localName.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { humanSize } from '../format/units.ts'
import { IMAGE_TREE_FLAGS } from '../options/imageFacts.ts'
import { writeOut } from '../output.ts'

export const command = defineCommand({
  usage: '[options] IMAGE',
  description: 'Shows the layers of an image as a tree, with the images that end at each.',
  examples: ['image tree alpine', 'image tree --whatrequires alpine'],
  flags: IMAGE_TREE_FLAGS,
  args: { min: 1, max: 1, completion: { kind: 'names', of: ['images'] } },
  run: async ({ flags, args: [name = ''], context }) => {
    const engine = engineOf(context)
    const tree = imageTree(engine, await localImageName(engine, name), flags.whatrequires)
    const lines = [
      `Image ID: ${shortId(tree.id)}`,
      `Tags:     [${tree.names.join(' ')}]`,
      `Size:     ${humanSize(tree.size)}`,
      tree.layers.length === 0 ? 'No Image Layers' : 'Image Layers',
      ...draw(tree.layers, ''),
    ]
    writeOut(`${lines.join('\n')}\n`)
    return 0
  },
})

/** A chain stands straight, one line a layer; only where it forks, it goes to the right. */
function draw(nodes: readonly LayerNode[], indent: string): readonly string[] {
  return nodes.flatMap((node, index) => {
    const isLast = index === nodes.length - 1
    const [only, ...others] = node.above
    const straight = nodes.length === 1 && only !== undefined && others.length === 0
    const line = `${indent}${isLast && !straight ? '└──' : '├──'} ${wordsOf(node)}`
    if (straight) return [line, ...draw(node.above, indent)]
    return [line, ...draw(node.above, `${indent}${isLast ? '    ' : '│   '}`)]
  })
}

function wordsOf({ diffId, size, topOf }: LayerNode): string {
  const id = shortId(diffId)
  const top = topOf.length === 0 ? '' : ` Top Layer of: [${topOf.join(' ')}]`
  return `ID: ${id} Size: ${humanSize(size)}${top}`
}
