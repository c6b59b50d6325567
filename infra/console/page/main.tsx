import { render } from "preact";
import { App } from "./app.tsx";
import { clientOf } from "./client.ts";
import { readAddress } from "./logic/address.ts";
import { Store } from "./store.ts";
import { StoreContext } from "./use-store.ts";

const store = new Store(clientOf(readAddress(location.hash).token));
const root = document.getElementById("console")!;
root.replaceChildren();
render(
  <StoreContext.Provider value={store}>
    <App />
  </StoreContext.Provider>,
  root,
);
void store.run();
