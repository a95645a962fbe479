"""Fills DATA/pictures (training), DATA/held_out and DATA/things (cut out, for depth.py) from collections that are free to use, and
notes in DATA/pictures.txt what came from where.

    python gather.py DATA [--kodak DIR] [--debian DIR] [--clip FILE]

--kodak:  the 24 Kodak pictures, 01.png to 24.png (released by Kodak for unrestricted use); five are held out.
--debian: a folder with Debian packages unpacked in it (README.md has the commands); `ALBUMS` says which pictures of them are taken and what
          they may be used under. Those that are not there are left out.
--clip:   Big Buck Bunny ((c) Blender Foundation, CC BY 3.0); five frames of its first 60.
scikit-image's own pictures (public domain and CC0) always come along.
"""
import argparse
import glob
import os
import re

import cv2
import numpy as np
import skimage.data

HELD_OUT = {"05", "07", "15", "20", "23"}
# Where in a package, which (all if none are named), whose.
ALBUMS = [
    ("share/**/*_by_*.jpg", "aitzgorri friends life picosdeeuropa Picture_0B Picture_1A sunset umang Wine", "lomiri-wallpapers-16.04, CC-BY-4.0, by whom the name says"),
    ("share/**/*_by_*.jpg", "seeding", "lomiri-wallpapers-16.04, CC0-1.0"),
    ("mate/nature/*.jpg", "", "mate-backgrounds, GPL-2+ and CC0, see its copyright file"),
    ("lxqt/wallpapers/*.*", "beam flowers butterfly fog this-is-not-windows appleflower after-the-rain drop cloud", "lxqt-themes, CC-BY-SA-3.0, stefonarch"),
    ("palapeli/collection/*.jpg", "", "palapeli-data, public domain and GFDL, see its .desktop files"),
    ("opencv-doc/examples/data/*.*", "aero1 aloeL apple baboon board building butterfly chicky_512 fruits home leuvenA orange right rubberwhale1 squirrel_cls stuff",
     "opencv-doc, Apache-2.0"),
]
BUNDLES = "details erase explore_farm_animals explore_monuments explore_world_animals explore_world_music".split()
STAMPS = "animals food household plants town vehicles"


def bundled(path):
    """The photographs within one of Qt's bundles of resources, as BGR arrays."""
    data = open(path, "rb").read()
    for sign in re.finditer(rb"\xff\xd8\xff[\xe0\xe1\xdb]|RIFF....WEBP", data, re.S):
        im = cv2.imdecode(np.frombuffer(data, np.uint8, min(len(data) - sign.start(), 4 << 20), sign.start()), cv2.IMREAD_COLOR)
        if im is not None and min(im.shape[:2]) >= 300:
            yield im


def stamps(folder):
    """(path, BGRA array) of tuxpaint-stamps-default's photographs of things."""
    for p in sorted(q for s in STAMPS.split() for q in glob.glob(f"{folder}/**/stamps/{s}/**/*.png", recursive=True)):
        im = None if re.search("cartoon|toys|plastic|clothes", p) else cv2.imread(p, cv2.IMREAD_UNCHANGED)
        if im is not None and im.ndim == 3 and im.shape[2] == 4 and min(im.shape[:2]) >= 150 and (im[..., 3] > 127).mean() > 0.15:
            yield p, im


class Shelf:
    def __init__(self, data):
        self.data, self.notes = data, []
        for d in ("pictures", "held_out", "things"):
            os.makedirs(f"{data}/{d}", exist_ok=True)

    def keep(self, folder, name, im, note, longest=1100):
        m = longest / max(im.shape[:2])
        if m < 1:
            im = cv2.resize(im, None, fx=m, fy=m, interpolation=cv2.INTER_AREA)
        cv2.imwrite(f"{self.data}/{folder}/{name}.png", im)
        self.notes.append(f"{folder}/{name}.png: {note}")


def skimages(shelf):
    for name, note in (("astronaut", "NASA, public domain"), ("coffee", "Rachel Michetti, CC0"), ("rocket", "SpaceX, CC0"),
                       ("hubble_deep_field", "NASA, public domain"), ("chelsea", "Stefan van der Walt, CC0")):
        shelf.keep("held_out" if name == "chelsea" else "pictures", name, getattr(skimage.data, name)()[..., 2::-1], note)


def kodaks(shelf, folder):
    for p in sorted(glob.glob(f"{folder}/[0-9][0-9].png")):
        n = os.path.basename(p)[:2]
        shelf.keep("held_out" if n in HELD_OUT else "pictures", "kodak" + n, cv2.imread(p)[4:-4, 4:-4], "Kodak, unrestricted use")


def debians(shelf, folder):
    for where, names, note in ALBUMS:
        package = note.split(",")[0]
        for p in sorted(glob.glob(f"{folder}/**/{where}", recursive=True)):
            name = os.path.basename(p).rsplit(".", 1)[0]
            im = cv2.imread(p) if not names or name.split("_by_")[0] in names.split() else None
            if im is not None:
                shelf.keep("pictures", name if "_by_" in name else f"{package.split('-')[0]}_{name}", im, note)
    for b in BUNDLES:
        for p in glob.glob(f"{folder}/**/{b}.rcc", recursive=True):
            for i, im in enumerate(bundled(p)):
                shelf.keep("pictures", f"{b}{i:02}", im, "gcompris-qt-data, public domain, CC-BY or CC-BY-SA, see its copyright file")
    for i, (_, im) in enumerate(stamps(folder)):
        shelf.keep("things", f"{i:03}", im, "tuxpaint-stamps-default, GPL-2", 480)


def frames(shelf, clip):
    v = cv2.VideoCapture(clip)
    for i in range(60):
        ok, f = v.read()
        if ok and i % 12 == 0:
            shelf.keep("pictures", f"bunny{i:02}", f, "(c) Blender Foundation, CC BY 3.0")


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("data")
    for o in ("--kodak", "--debian", "--clip"):
        a.add_argument(o)
    a = a.parse_args()
    shelf = Shelf(a.data)
    skimages(shelf)
    for source, fill in ((a.kodak, kodaks), (a.debian, debians), (a.clip, frames)):
        if source:
            fill(shelf, source)
    open(f"{a.data}/pictures.txt", "w").write("\n".join(shelf.notes) + "\n")
    print(len(shelf.notes), "pictures")


if __name__ == "__main__":
    main()
