// Where the service opens to keys alone: asks for one, once, and exchanges it for a session. The key is kept nowhere.

const dialog = document.getElementById("login");
const [form, field, note] = ["login-form", "key", "login-note"].map((id) => document.getElementById(id));
let asking = null;

/** Ask for a key until there is a session, or nobody wants one any longer; return whether there is. */
export function login(base) {
  asking ??= new Promise((resolve) => {
    dialog.showModal();
    form.onsubmit = async (event) => {
      event.preventDefault();
      const headers = { Authorization: `Bearer ${field.value.trim()}` };
      const response = await fetch(`${base}/sessions`, { method: "POST", headers }).catch(() => null);
      field.value = "";
      if (response?.ok) dialog.close("in");
      else note.textContent = response?.status === 401 ? "This key opens nothing." : "The service could not be reached.";
    };
    dialog.onclose = () => {
      asking = null;
      note.textContent = "";
      resolve(dialog.returnValue === "in");
      dialog.returnValue = "";
    };
  });
  return asking;
}
