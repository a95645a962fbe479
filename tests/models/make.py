"""Makes the tiny models beside this file: `pip install onnx numpy && python tests/models/make.py`."""

import pathlib

import numpy as np
import onnx
from onnx import TensorProto as T, helper as h, numpy_helper as n

HERE = pathlib.Path(__file__).parent
NCHW = ["n", 3, "h", "w"]


def save(name, inputs, outputs, nodes, constants=()):
    info = lambda t: h.make_tensor_value_info(*t)
    init = [n.from_array(np.asarray(value), key) for key, value in constants]
    graph = h.make_graph(nodes, name, [info(t) for t in inputs], [info(t) for t in outputs], init)
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8, producer_name="")
    onnx.checker.check_model(model)
    (HERE / f"{name}.onnx").parent.mkdir(parents=True, exist_ok=True)
    (HERE / f"{name}.onnx").write_bytes(model.SerializeToString())


f32 = lambda x: np.float32(x)
save("invert", [("image", T.FLOAT, NCHW)], [("inverted", T.FLOAT, NCHW)],
     [h.make_node("Sub", ["one", "image"], ["inverted"])], [("one", f32(1))])
save("invert_fp16", [("image", T.FLOAT16, NCHW)], [("inverted", T.FLOAT16, NCHW)],
     [h.make_node("Sub", ["one", "image"], ["inverted"])], [("one", np.float16(1))])
save("invert_255_nhwc", [("image", T.FLOAT, ["n", "h", "w", 3])], [("inverted", T.FLOAT, ["n", "h", "w", 3])],
     [h.make_node("Sub", ["white", "image"], ["inverted"])], [("white", f32(255))])
save("nan", [("image", T.FLOAT, NCHW)], [("broken", T.FLOAT, NCHW)],
     [h.make_node("Sub", ["image", "image"], ["zero"]), h.make_node("Div", ["zero", "zero"], ["broken"])])
save("black", [("image", T.FLOAT, NCHW)], [("dark", T.FLOAT, NCHW)],
     [h.make_node("Sub", ["image", "image"], ["dark"])])
save("double_size", [("image", T.FLOAT, NCHW)], [("large", T.FLOAT, ["n", 3, "h2", "w2"])],
     [h.make_node("Resize", ["image", "", "scales"], ["large"], mode="nearest")], [("scales", np.array([1, 1, 2, 2], np.float32))])
save("add_style", [("content", T.FLOAT, NCHW), ("style", T.FLOAT, [1, 3, "sh", "sw"]), ("alpha", T.FLOAT, [1])],
     [("stylized", T.FLOAT, NCHW)],
     [h.make_node("ReduceMean", ["style"], ["mean"], axes=[2, 3], keepdims=1),
      h.make_node("Sub", ["mean", "content"], ["towards"]), h.make_node("Mul", ["towards", "alpha"], ["part"]),
      h.make_node("Add", ["content", "part"], ["stylized"])])
save("first_channel", [("image", T.FLOAT, NCHW)], [("depth", T.FLOAT, ["n", 1, "h", "w"])],
     [h.make_node("Slice", ["image", "from", "to", "axis"], ["depth"])],
     [("from", np.array([0])), ("to", np.array([1])), ("axis", np.array([1]))])
save("fixed_size", [("image", T.FLOAT, [1, 3, 8, 16])], [("same", T.FLOAT, [1, 3, 8, 16])],
     [h.make_node("Identity", ["image"], ["same"])])
save("count", [("ids", T.INT32, ["n"])], [("next", T.INT32, ["n"])],
     [h.make_node("Add", ["ids", "one"], ["next"])], [("one", np.int32(1))])
save("label", [("image", T.FLOAT, NCHW)], [("score", T.FLOAT, ["n", 3])],
     [h.make_node("ReduceMean", ["image"], ["score"], axes=[2, 3], keepdims=0)])

# Twice as large by sub-pixel convolution: a blur that looks one pixel around, then two of them, so that tiles need an overlap of two.
blur = np.zeros((3, 3, 3, 3), np.float32)
grow = np.zeros((12, 3, 3, 3), np.float32)
for c in range(3):
    blur[c, c] = np.outer([1, 2, 1], [1, 2, 1]) / 16
    for k, (dy, dx) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        ty, tx = ([1, 3, 0], [0, 3, 1])[dy], ([1, 3, 0], [0, 3, 1])[dx]
        grow[4 * c + k, c] = np.outer(ty, tx) / 16
save("upscale", [("image", T.FLOAT, NCHW)], [("large", T.FLOAT, ["n", 3, "h2", "w2"])],
     [h.make_node("Conv", ["image", "blur"], ["soft"], pads=[1, 1, 1, 1]), h.make_node("Conv", ["soft", "grow"], ["four"], pads=[1, 1, 1, 1]),
      h.make_node("DepthToSpace", ["four"], ["large"], blocksize=2, mode="CRD")],
     [("blur", blur), ("grow", grow)])
# A frame between two at any time, by fading: what frame interpolation networks take and give. Its sides must be multiples of 8.
save("between", [("img0", T.FLOAT, [1, 3, "h", "w"]), ("img1", T.FLOAT, [1, 3, "h", "w"]), ("timestep", T.FLOAT, [1])],
     [("frame", T.FLOAT, [1, 3, "h", "w"]), ("flow", T.FLOAT, [1, 4, "h", "w"])],
     [h.make_node("SpaceToDepth", ["img0"], ["packed"], blocksize=8), h.make_node("DepthToSpace", ["packed"], ["first"], blocksize=8),
      h.make_node("Sub", ["img1", "first"], ["change"]), h.make_node("Mul", ["change", "timestep"], ["part"]),
      h.make_node("Add", ["first", "part"], ["frame"]),
      h.make_node("Slice", ["img0", "from", "to", "axis"], ["one"]), h.make_node("Concat", ["img0", "one"], ["flow"], axis=1)],
     [("from", np.array([0])), ("to", np.array([1])), ("axis", np.array([1]))])

# A Stable Diffusion folder of the awkward kind: 32-bit ids, a drawn sample from the encoder, a whole timestep of rank 1, one picture at
# once. Its network predicts a picture that is everywhere the mean token of its prompt, as a share of the vocabulary.
save("odd_sd/text_encoder/model", [("input_ids", T.INT32, ["b", "s"])], [("last_hidden_state", T.FLOAT, ["b", "s", 4])],
     [h.make_node("Cast", ["input_ids"], ["ids"], to=T.FLOAT), h.make_node("Div", ["ids", "all"], ["share"]),
      h.make_node("Unsqueeze", ["share", "last"], ["column"]), h.make_node("Tile", ["column", "times"], ["last_hidden_state"])],
     [("all", f32(49408)), ("last", np.array([2])), ("times", np.array([1, 1, 4]))])
save("odd_sd/vae_encoder/model", [("sample", T.FLOAT, ["b", 3, "h", "w"])], [("latent_sample", T.FLOAT, ["b", 3, "h2", "w2"])],
     [h.make_node("AveragePool", ["sample"], ["latent_sample"], kernel_shape=[2, 2], strides=[2, 2])])
save("odd_sd/vae_decoder/model", [("latent_sample", T.FLOAT, ["b", 3, "h", "w"])], [("sample", T.FLOAT, ["b", 3, "h2", "w2"])],
     [h.make_node("Resize", ["latent_sample", "", "scales"], ["sample"], mode="nearest")],
     [("scales", np.array([1, 1, 2, 2], np.float32))])
save("odd_sd/unet/model",
     [("sample", T.FLOAT, [1, 3, "h", "w"]), ("timestep", T.INT64, [1]), ("encoder_hidden_states", T.FLOAT, [1, "s", 4])],
     [("out_sample", T.FLOAT, [1, 3, "h", "w"])],
     [h.make_node("Sub", ["sample", "sample"], ["zero"]), h.make_node("ReduceMean", ["encoder_hidden_states"], ["mean"], axes=[1, 2], keepdims=0),
      h.make_node("Cast", ["timestep"], ["time"], to=T.FLOAT), h.make_node("Mul", ["time", "nothing"], ["never"]),
      h.make_node("Add", ["mean", "never"], ["value"]), h.make_node("Add", ["zero", "value"], ["out_sample"])],
     [("nothing", f32(0))])

# Parts for odd folders of other families, each of which predicts a picture of one value that tells what it was told.
IMAGES = [("sample", T.FLOAT, ["b", 3, "h", "w"]), ("timestep", T.FLOAT, []), ("encoder_hidden_states", T.FLOAT, ["b", "s", "e"])]
LEVEL = [("out_sample", T.FLOAT, ["b", 3, "h", "w"])]
flat = lambda value: [h.make_node("Sub", ["sample", "sample"], ["zero"]), h.make_node("Add", ["zero", value], ["out_sample"])]

# SDXL's image-to-image models: two encoders, of which the last but one layer is read, and five numbers, of which the last is a score.
# The level is the score by ten, and a hundredth of what the encoders say.
for name, extra in [("text_encoder", []), ("text_encoder_2", [("text_embeds", T.FLOAT, ["b", 2])])]:
    layers = [(f"hidden_states.{i}", T.FLOAT, ["b", "s", 4]) for i in range(4)]
    save(f"odd_xl/{name}/model", [("input_ids", T.INT64, ["b", "s"])], extra + layers,
         [h.make_node("Cast", ["input_ids"], ["ids"], to=T.FLOAT), h.make_node("Mul", ["ids", "none"], ["zeros"]),
          h.make_node("Unsqueeze", ["zeros", "last"], ["column"]), h.make_node("Tile", ["column", "times"], ["hidden_states.0"])]
         + [h.make_node("Add", ["hidden_states.0", f"level{i}"], [f"hidden_states.{i}"]) for i in (1, 2, 3)]
         + [h.make_node("ReduceMean", ["hidden_states.2"], ["mean"], axes=[1], keepdims=0),
            h.make_node("Slice", ["mean", "from", "two", "axis"], ["text_embeds"])] * bool(extra),
         [("none", f32(0)), ("last", np.array([2])), ("times", np.array([1, 1, 4]))] + [(f"level{i}", f32(i)) for i in (1, 2, 3)]
         + [("from", np.array([0])), ("two", np.array([2])), ("axis", np.array([1]))] * bool(extra))
save("odd_xl/unet/model", IMAGES + [("text_embeds", T.FLOAT, ["b", 2]), ("time_ids", T.FLOAT, ["b", 5])], LEVEL,
     [h.make_node("Slice", ["time_ids", "four", "five", "axis"], ["score"]), h.make_node("ReduceMean", ["encoder_hidden_states"], ["rows"], axes=[1, 2], keepdims=0),
      h.make_node("Unsqueeze", ["rows", "axis"], ["row"]), h.make_node("ReduceMean", ["text_embeds"], ["pooled"], axes=[1], keepdims=1),
      h.make_node("Add", ["row", "pooled"], ["said"]), h.make_node("Mul", ["said", "little"], ["part"]), h.make_node("Div", ["score", "ten"], ["most"]),
      h.make_node("Add", ["most", "part"], ["sum"]), h.make_node("Unsqueeze", ["sum", "square"], ["level"])] + flat("level"),
     [("four", np.array([4])), ("five", np.array([5])), ("axis", np.array([1])), ("ten", f32(10)), ("little", f32(0.01)), ("square", np.array([2, 3]))])

# Two ControlNets within the network, as diffusers' script exports them: the level is the sum of the pictures' means by their scales.
save("odd_control/unet/model", IMAGES + [("controlnet_conds", T.FLOAT, [2, "b", 3, "h8", "w8"]), ("conditioning_scales", T.FLOAT, [2, 1])],
     [("noise_pred", T.FLOAT, ["b", 3, "h", "w"])],
     [h.make_node("ReduceMean", ["controlnet_conds"], ["means"], axes=[2, 3, 4], keepdims=0), h.make_node("Mul", ["means", "conditioning_scales"], ["by"]),
      h.make_node("ReduceSum", ["by", "first"], ["sum"], keepdims=0), h.make_node("Unsqueeze", ["sum", "square"], ["level"]),
      h.make_node("Sub", ["sample", "sample"], ["zero"]), h.make_node("Add", ["zero", "level"], ["noise_pred"])],
     [("first", np.array([0])), ("square", np.array([1, 2, 3]))])

# A decoder whose numbers are too large for half precision.
save("odd_half/vae_decoder/model", [("latent_sample", T.FLOAT16, ["b", 3, "h", "w"])], [("sample", T.FLOAT16, ["b", 3, "h2", "w2"])],
     [h.make_node("Cast", ["latent_sample"], ["wide"], to=T.FLOAT), h.make_node("Resize", ["wide", "", "scales"], ["grown"], mode="nearest"),
      h.make_node("Cast", ["grown"], ["half"], to=T.FLOAT16), h.make_node("Mul", ["half", "large"], ["sample"])],
     [("large", np.float16(60000)), ("scales", np.array([1, 1, 2, 2], np.float32))])
