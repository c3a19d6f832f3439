const ADJECTIVES =
  'able agile airy amber ample apt arctic ashen azure bold brave breezy bright brisk broad calm candid careful ' +
  'cheery chilly civil clear clever coastal cosy crisp curly damp daring dapper deep dewy eager early earnest easy ' +
  'even fair faithful famous fern fine firm fleet fluffy fond frank free fresh frosty gentle glad golden good grand ' +
  'green happy hardy hasty hazel hearty honest humble jolly keen kind leafy light lively loyal lucid lucky lunar ' +
  'mellow merry mighty mild misty mossy neat nimble noble patient placid polite proud quick quiet rapid ready ' +
  'rustic shady silent simple sleek snowy sober solid spry steady stout sunny swift tender tidy tranquil upbeat ' +
  'velvet vivid warm wild willing wise witty young zesty'

const NOUNS =
  'acorn alder anemone arbor ash aspen badger bamboo bark basil beaver beech birch bison bramble brook bud burdock ' +
  'cedar clover condor coral crane cricket crocus cypress daisy deer delta dove elder elm falcon fen finch fir ' +
  'forest fox frond garnet gecko ginkgo glade grove gull hare harbor hawk heath hemlock heron hill holly ibex iris ' +
  'ivy jasmine juniper kelp kestrel lagoon larch lark laurel lichen lily linden lotus lynx magpie maple marsh ' +
  'marten meadow mint moss myrtle nettle newt oak olive orchid osprey otter owl pebble pine plover pond poplar ' +
  'quail rain raven reed ridge river robin rowan sage sedge shore sorrel sparrow spruce stone swan thicket thistle ' +
  'thyme trout tundra valley walnut willow wren yarrow yew'

/** Two words for a container that was given no name. @param random gives 0 (included) to 1 (excluded) */
export function composeName(random: () => number): string {
  return `${pick(ADJECTIVES, random)}_${pick(NOUNS, random)}`
}

function pick(words: string, random: () => number): string {
  const list = words.split(' ')
  return list[Math.floor(random() * list.length)] ?? words
}
