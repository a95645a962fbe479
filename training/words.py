"""The words that a prompt may use, and what the grade words do to a picture."""
import json
import re

import numpy as np

# word class -> words. Any other word is "unknown" (a prompt of nothing else gets HOUSE), little words are nothing.
STYLES = dict(
    glass="glass stained stainedglass leaded cathedral",
    mosaic="mosaic mosaics tile tiles tiled",
    pointillism="pointillism pointillist pointilism dots dotted stippled",
    oil="oil oils rembrandt impasto canvas painterly brushstrokes",
    impression="impressionism impressionist impressionistic impression monet gogh vangogh vincent starry swirling",
    watercolor="watercolor watercolour watercolors watercolours aquarelle gouache wash",
    pencil="pencil sketch sketched graphite drawing drawn charcoal",
    crayon="crayon crayons chalk pastels childlike",
    ink="ink inked sumi lineart stencil noir calligraphy brush",
    engraving="engraving engraved woodcut linocut etching etched banknote",
    comic="comic comics halftone marvel superhero",
    anime="anime manga cel ghibli cartoon toon japanese animation",
    popart="pop popart warhol poster lichtenstein",
    neon="neon glow glowing cyberpunk synthwave tron",
    candy="candy sweets lollipop psychedelic marbled",
    abstract="abstract cubism cubist picasso futurism futurist geometric facets",
    pixel="pixel pixels pixelart 8bit retro minecraft lego",
    blueprint="blueprint schematic technical cyanotype",
)
GRADES = dict(
    sepia="sepia vintage antique old",
    mono="monochrome grayscale greyscale mono bw",
    warm="warm golden sunset autumn fire",
    cold="cold cool icy winter ice frozen",
    dark="dark gloomy shadow",
    bright="bright sunny light",
    vivid="vivid colorful colourful vibrant saturated",
    pastel="pastel faded soft",
    night="night moonlight midnight",
    contrast="contrast dramatic",
)
NOTHING = set(
    "a an the of in on at with and or to style by as is it its from art artwork image picture photo photograph frame video "
    "painting painted paint scene very made like".split())
NULL, UNKNOWN = 0, 1
STYLE_ID = {s: 2 + i for i, s in enumerate(STYLES)}
GRADE_ID = {g: 2 + len(STYLES) + i for i, g in enumerate(GRADES)}
CLASSES = 48
HOUSE = "oil"


def grade(x, name):
    """A grade word's look for x, a torch tensor or array [3, h, w] of 0..1."""
    t = lambda *v: x.new_tensor(v).view(3, 1, 1) if hasattr(x, "new_tensor") else np.array(v, x.dtype).reshape(3, 1, 1)
    L = (x * t(0.299, 0.587, 0.114)).sum(0)[None]
    y = {
        "sepia": lambda: L * t(1.12, 0.93, 0.68) + 0.02,
        "mono": lambda: L + 0 * x,
        "warm": lambda: x * t(1.14, 1.0, 0.76),
        "cold": lambda: x * t(0.76, 0.97, 1.16),
        "dark": lambda: x ** 1.2 * 0.55,
        "bright": lambda: 1 - (1 - x) * 0.62,
        "vivid": lambda: L + (x - L) * 1.8,
        "pastel": lambda: 1 - (1 - (L + (x - L) * 0.6)) * 0.6,
        "night": lambda: x * t(0.30, 0.38, 0.66),
        "contrast": lambda: (x - 0.5) * 1.6 + 0.5,
    }[name]()
    return y.clip(0, 1)


def pieces(word, vocabulary, ranks):
    """CLIP's byte pair encoding of a word of letters and digits, as token ids."""
    ids = []
    for w in re.findall("[a-z]+|[0-9]", word):
        p = list(w[:-1]) + [w[-1] + "</w>"]
        while len(p) > 1:
            rank, i = min((ranks.get((a, b), 1 << 30), i) for i, (a, b) in enumerate(zip(p, p[1:])))
            if rank == 1 << 30:
                break
            p[i:i + 2] = [p[i] + p[i + 1]]
        ids += [vocabulary[x] for x in p]
    return ids


def table(tokenizer):
    """Class of each token id (uint8), for a folder with a CLIP tokenizer's vocab.json and merges.txt.

    A word that is several tokens is known by its longest; also returns those words, to be looked over."""
    vocabulary = json.load(open(tokenizer + "/vocab.json"))
    merges = [tuple(line.split()) for line in open(tokenizer + "/merges.txt") if not line.startswith("#version")]
    ranks = {m: i for i, m in enumerate(m for m in merges if len(m) == 2)}
    names = {i: s for s, i in vocabulary.items()}
    out = np.full(len(vocabulary), UNKNOWN, np.uint8)
    for s, i in vocabulary.items():
        w = s[:-4] if s.endswith("</w>") else None
        if w is None or w in NOTHING or not any(c.isalpha() for c in w):
            out[i] = NULL
    split = {}
    for ids, groups in ((STYLE_ID, STYLES), (GRADE_ID, GRADES)):
        for name, words in groups.items():
            for word in words.split():
                p = pieces(word, vocabulary, ranks)
                if len(p) > 1:
                    split[word] = [names[j] for j in p]
                best = max(p, key=lambda j: (len(names[j].replace("</w>", "")), p.index(j)))
                if len(p) == 1 or out[best] <= UNKNOWN:
                    out[best] = ids[name]
    for special in ("<|startoftext|>", "<|endoftext|>"):
        out[vocabulary[special]] = NULL
    return out, split
