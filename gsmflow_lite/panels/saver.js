// Saves a file that Python made to the user's disk: the page clicks on a link to it.
//
// VS Code follows such a click only where the link is in the page, and reads the file after it.

const KEPT = 60000; // milliseconds in which the file can be read

function save({ name, type }, [bytes]) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes], { type }));
  link.download = name;
  link.style.display = "none";
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT);
}

export default {
  render({ el }) {
    el.style.display = "none";
  },
  initialize({ model }) {
    const heard = (message, buffers) => message?.name && buffers?.length && save(message, buffers);
    model.on("msg:custom", heard);
    return () => model.off("msg:custom", heard);
  },
};
