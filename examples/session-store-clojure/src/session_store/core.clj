(ns session-store.core
  "A small session store whose REPLs are open on loopback.
  Several REPL ports in one JVM stand for several replicas that share one store."
  (:require [clojure.core.server :as server]
            [clojure.string :as string])
  (:import (java.net BindException ServerSocket)))

;; The store

(defonce ^:private store
  (atom {:version "1.4.2", :zone "zone-a", :sessions {}, :hits 0, :misses 0}))

(defn version "The release this replica runs." [] (:version @store))
(defn zone "The zone this replica runs in." [] (:zone @store))
(defn count-sessions "How many sessions are open." [] (count (:sessions @store)))

(defn open-session!
  "Opens a session for user and returns its id."
  [user]
  (let [id (str "s-" (random-uuid))]
    (swap! store assoc-in [:sessions id] {:user user})
    id))

(defn find-session
  "The session with this id, or nil; counted as a hit or a miss."
  [id]
  (let [session (get-in @store [:sessions id])]
    (swap! store update (if session :hits :misses) inc)
    session))

(defn close-session!
  "Closes the session with this id; true when there was one."
  [id]
  (let [[before _] (swap-vals! store update :sessions dissoc id)]
    (contains? (:sessions before) id)))

(defn cache-info
  "What the store holds and how often it was asked."
  []
  (-> (select-keys @store [:version :zone :hits :misses])
      (assoc :entries (count-sessions))))

(defn- fill!
  [{:keys [version zone sessions]}]
  (swap! store assoc :version version :zone zone
         :sessions (into {} (for [n (range sessions)] [(str "s-" n) {:user (str "user-" n)}]))))

(defn- refer-into-user! []
  (binding [*ns* (the-ns 'user)]
    (refer 'session-store.core
           :only '[version zone count-sessions open-session! find-session close-session! cache-info])))

;; The REPLs

(defn- quit! [code sentence]
  (binding [*out* *err*] (println (str "session-store: " sentence)))
  (System/exit code))

(defn- start-nrepl! [port]
  (let [start (try (requiring-resolve 'nrepl.server/start-server)
                   (catch java.io.FileNotFoundException _
                     (quit! 69 "nREPL is not on the class path. Add its jar, or leave --nrepl out.")))]
    (:port (start :bind "127.0.0.1" :port port))))

(defn- start-socket-repl! [n port]
  (.getLocalPort ^ServerSocket
                 (server/start-server {:name (str "session-store-" n)
                                       :address "127.0.0.1"
                                       :port port
                                       :accept 'clojure.core.server/repl})))

(defn- start-repls! [{:keys [nrepl socket]}]
  (try
    {:nrepl (mapv start-nrepl! nrepl)
     :socket (vec (map-indexed start-socket-repl! socket))}
    (catch BindException _
      (quit! 69 "a port is taken. Choose another one, or 0 for any free port."))))

;; The command line

(def ^:private defaults
  {:nrepl [], :socket [], :version "1.4.2", :zone "zone-a", :sessions 12, :until-stdin-closes false})

(defn- whole-number [text highest]
  (let [n (parse-long text)]
    (if (and n (<= 0 n highest))
      n
      (quit! 64 (str "'" text "' is not a whole number from 0 to " highest ".")))))

(defn- ports [text]
  (mapv #(whole-number % 65535) (string/split text #",")))

(defn- parse [[option value & others :as arguments] options]
  (cond
    (empty? arguments) options
    (= option "--until-stdin-closes") (recur (rest arguments) (assoc options :until-stdin-closes true))
    (nil? value) (quit! 64 (str "'" option "' is unknown or lacks its value."))
    :else
    (recur others
           (case option
             "--nrepl" (assoc options :nrepl (ports value))
             "--socket" (assoc options :socket (ports value))
             "--version" (assoc options :version value)
             "--zone" (assoc options :zone value)
             "--sessions" (assoc options :sessions (whole-number value 1000000))
             (quit! 64 (str "'" option "' is not an option. There are --nrepl, --socket, --version, --zone, "
                            "--sessions and --until-stdin-closes."))))))

(defn- ready-line [{:keys [nrepl socket]}]
  (format "{\"nrepl\":[%s],\"socket\":[%s],\"pid\":%d}"
          (string/join "," nrepl) (string/join "," socket) (.pid (java.lang.ProcessHandle/current))))

(defn- wait-for-end! [until-stdin-closes]
  (if until-stdin-closes
    (while (not= -1 (.read System/in)))
    @(promise))
  (System/exit 0))

(defn -main [& arguments]
  (let [options (parse arguments defaults)]
    (fill! options)
    (refer-into-user!)
    (println (ready-line (start-repls! options)))
    (flush)
    (wait-for-end! (:until-stdin-closes options))))
