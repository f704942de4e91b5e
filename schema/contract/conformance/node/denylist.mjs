// The denylist, only from denylist.json. `schemas` only determine which segments of a pointer need no mask.

export function denylist(rules, schemas) {
  const { keys, values, document: limits } = rules
  const known = new Set(schemas.flatMap(propertyNames))
  const regex = (pattern, ignoreCase = false) => new RegExp(pattern, ignoreCase ? 'i' : '')
  const exempt = new Set(keys.exempt_prefixes.flatMap(prefix => keys.exempt.map(entry => prefix + entry.pointer)))
  const sequences = new Set(keys.sequences.map(pair => pair.join(' ')))
  const tokens = new Set(keys.tokens)
  const innocentWords = new Set(values.innocent_words)
  const innocentShapes = values.innocent_shapes.map(shape => regex(shape.pattern))
  const patterns = values.rules.map(rule => [rule.id, regex(rule.pattern, rule.ignore_case)])
  const masked = path => path.map(part => '/' + (typeof part === 'number' || known.has(part) ? part : '*')).join('')

  /** The document and the first rule about it as a whole that trips, with its pointer. */
  function read(bytes) {
    if (bytes.length > limits.max_bytes) return { tripped: [['size', '']] }
    let text, value
    try { text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) } catch { return { tripped: [['utf8', '']] } }
    try {
      value = JSON.parse(text, (key, part) => {
        if (typeof part === 'string' && !part.isWellFormed()) throw new SyntaxError('half a character')
        return part
      })
    } catch { return { tripped: [['syntax', '']] } }
    const fault = structure(text)
    return { value, tripped: fault ? [fault] : [] }
  }

  /** JSON.parse keeps the last of two equal keys silently, so this reads the tokens as well. */
  function structure(text) {
    const levels = []
    let awaitsKey = false
    const at = rule => [rule, masked(levels.map(level => level.keys ? level.key : level.index))]
    for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],]/g)) {
      const level = levels.at(-1)
      if (token === '{' || token === '[') {
        if (levels.length === limits.max_depth) return at('depth')
        levels.push(token === '{' ? { keys: new Set() } : { index: 0 })
        awaitsKey = token === '{'
      } else if (token === '}' || token === ']') {
        levels.pop()
        awaitsKey = false
      } else if (token === ',') {
        awaitsKey = Boolean(level.keys)
        level.index += 1
      } else if (awaitsKey) {
        level.key = JSON.parse(token)
        if (level.keys.has(level.key)) return at('duplicate_key')
        level.keys.add(level.key)
        awaitsKey = false
      }
    }
  }

  /** Every rule for keys and values that trips, with its masked pointer. */
  function walk(value, path = []) {
    if (typeof value === 'string') return valueRules(value).map(rule => [rule, masked(path)])
    if (value === null || typeof value !== 'object') return []
    const members = Array.isArray(value) ? [...value.entries()] : Object.entries(value)
    return members.flatMap(([key, member]) => {
      const place = [...path, key]
      const found = typeof key === 'number' ? [] : keyRules(key, masked(place)).map(rule => [rule, masked(place)])
      return [...found, ...walk(member, place)]
    })
  }

  function keyRules(key, pointer) {
    const found = regex(keys.shape_pattern).test(key) ? [] : [keys.shape.id]
    const words = key.replace(/([a-z0-9])([A-Z])/g, '$1 $2').replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
      .split(/[^A-Za-z0-9]+/).filter(Boolean).map(word => formsOf(word.toLowerCase()))
    if (exempt.has(pointer)) return found
    if (words.flat().some(form => tokens.has(form))) found.push(keys.token.id)
    const pairs = words.slice(1).flatMap((next, i) => words[i].flatMap(first => next.map(second => `${first} ${second}`)))
    if (pairs.some(pair => sequences.has(pair))) found.push(keys.sequence.id)
    return found
  }

  const formsOf = word => [word, word.replace(/[0-9]+$/, '')]
    .flatMap(form => [form, form.replace(/s$/, ''), form.replace(/es$/, ''), form.replace(/ies$/, 'y')])

  function valueRules(text) {
    if (innocentWords.has(text) || innocentShapes.some(shape => shape.test(text))) return []
    return patterns.filter(([, pattern]) => pattern.test(text)).map(([id]) => id)
  }

  return { read, walk }
}

function propertyNames(schema) {
  if (schema === null || typeof schema !== 'object') return []
  const own = Array.isArray(schema) ? [] : Object.keys(schema.properties ?? {})
  return [...own, ...Object.values(schema).flatMap(propertyNames)]
}
