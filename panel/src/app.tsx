import { lazy, Suspense } from "react";
import { Route, Switch } from "wouter";
import { Loading } from "./components/states";
import { Shell } from "./components/shell";

const Calls = lazy(() => import("./pages/calls/calls"));
const Call = lazy(() => import("./pages/call/call"));
const Live = lazy(() => import("./pages/live/live"));
const Talk = lazy(() => import("./pages/talk/talk"));
const Knowledge = lazy(() => import("./pages/knowledge/knowledge"));
const Prompts = lazy(() => import("./pages/prompts/prompts"));
const Settings = lazy(() => import("./pages/settings/settings"));
const Analytics = lazy(() => import("./pages/analytics/analytics"));
const Instruction = lazy(() => import("./pages/instruction/instruction"));
const System = lazy(() => import("./pages/system/system"));
const Missing = lazy(() => import("./pages/missing"));

export function App() {
  return (
    <Shell>
      <Suspense fallback={<Loading />}>
        <Switch>
          <Route path="/"><Calls /></Route>
          <Route path="/calls/:id">{({ id }) => <Call key={id} id={decodeURIComponent(id)} />}</Route>
          <Route path="/live"><Live /></Route>
          <Route path="/talk"><Talk /></Route>
          <Route path="/knowledge/:tab?">{({ tab }) => <Knowledge tab={tab} />}</Route>
          <Route path="/prompts"><Prompts /></Route>
          <Route path="/settings"><Settings /></Route>
          <Route path="/analytics"><Analytics /></Route>
          <Route path="/instruction"><Instruction /></Route>
          <Route path="/system"><System /></Route>
          <Route><Missing /></Route>
        </Switch>
      </Suspense>
    </Shell>
  );
}
