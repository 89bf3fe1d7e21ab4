import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "./style/base.css";

import { localStorageColorSchemeManager, MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Router } from "wouter";
import { ApiProblem } from "./api/client";
import { App } from "./app";
import { FaultBoundary } from "./components/fault-boundary";
import { KeyModal } from "./components/key-modal";
import { LanguageProvider } from "./i18n";
import { LiveProvider } from "./live/provider";
import { theme, variables } from "./theme";

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5000,
      refetchOnWindowFocus: false,
      // An answer that refuses will refuse again; a lost connection may be back.
      retry: (failures, error) => failures < 2 && error instanceof ApiProblem && error.status === 0,
    },
  },
});

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");

createRoot(root).render(
  <StrictMode>
    <MantineProvider
      theme={theme}
      cssVariablesResolver={variables}
      defaultColorScheme="auto"
      colorSchemeManager={localStorageColorSchemeManager({ key: "voxbot-scheme" })}
    >
      <LanguageProvider>
        <FaultBoundary place="">
          <QueryClientProvider client={queries}>
            {/* Not at the right: drawers have their buttons there, and a toast under the pointer stays. */}
            <Notifications position="bottom-center" autoClose={4000} limit={4} />
            <KeyModal />
            <LiveProvider>
              <Router base="/logs-ui">
                <App />
              </Router>
            </LiveProvider>
          </QueryClientProvider>
        </FaultBoundary>
      </LanguageProvider>
    </MantineProvider>
  </StrictMode>,
);
