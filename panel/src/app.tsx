import { Suspense } from "react";
import { Route, Switch, useLocation } from "wouter";
import { usePathname } from "wouter/use-browser-location";
import { FaultBoundary } from "./components/fault-boundary";
import { Loading } from "./components/states";
import { Shell } from "./components/shell";
import { callIdOf } from "./lib/call-address";
import { lazyPart } from "./lib/lazy-part";

const Calls = lazyPart(() => import("./pages/calls/calls"));
const Call = lazyPart(() => import("./pages/call/call"));
const Live = lazyPart(() => import("./pages/live/live"));
const Talk = lazyPart(() => import("./pages/talk/talk"));
const Knowledge = lazyPart(() => import("./pages/knowledge/knowledge"));
const Prompts = lazyPart(() => import("./pages/prompts/prompts"));
const Settings = lazyPart(() => import("./pages/settings/settings"));
const Analytics = lazyPart(() => import("./pages/analytics/analytics"));
const Instruction = lazyPart(() => import("./pages/instruction/instruction"));
const System = lazyPart(() => import("./pages/system/system"));
const Missing = lazyPart(() => import("./pages/missing"));

export function App() {
  const [place] = useLocation();
  return (
    <Shell>
      <FaultBoundary place={place}>
        <Suspense fallback={<Loading />}>
          <Switch>
            <Route path="/"><Calls /></Route>
            <Route path="/calls/*"><CallOfAddress /></Route>
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
      </FaultBoundary>
    </Shell>
  );
}

function CallOfAddress() {
  const id = callIdOf(usePathname());
  return <Call key={id} id={id} />;
}
