;; Turns one connection of a plain socket REPL into a session that speaks lines.
;;
;; Down:  E <id> <value limit> <output limit> <namespace or -> <code> [function or - [file line column]]
;;                                        evaluate, within a function; the code stands there in a file
;;        L <the same>                                                  load a whole file
;;        I <id>                                                        interrupt
;;        N <id> [text]                                                 input; without a text, its end
;;        Q                                                             end
;; Up:    \u0001<id> <tag> <words...>
;;        hello 1 <Clojure> <Java>       once, with - as its id
;;        out|err <text>                 printed, also after the end
;;        part <text>                    a piece of a value
;;        value <cut?>                   its pieces are complete
;;        raised <phase> <class> <message> <frame>...
;;        input                          it asks for input; N answers
;;        refused <reason>               nothing ran, nothing follows
;;        uncalled <reason>              nothing ran, as the function did not call it; nothing follows
;;        done <namespace> <raised?> <interrupted?> <bytes printed>
;;
;; Texts travel as base64 of UTF-8, so the charset of the JVM does not matter. Nothing a user
;; sets (*print-length*, *out*, ...) touches a line. At most one evaluation runs at a time.
;; Clojure 1.10 or newer, Java 8 or newer.
((fn []
   (let [^clojure.lang.LineNumberingPushbackReader in *in*
         ^java.io.Writer out *out*
         open?    (atom true)
         running  (atom nil)                     ; the evaluation that runs: id, thread, asked?
         session  (atom (get-thread-bindings))   ; *ns*, *1, *print-length*, ... between evaluations
         piece    8192                           ; characters in one line at most
         timer    (java.util.concurrent.ScheduledThreadPoolExecutor.
                   1 (reify java.util.concurrent.ThreadFactory
                       (newThread [_ task] (doto (Thread. task "prepl-flush") (.setDaemon true)))))

         utf8     (fn [text] (.getBytes ^String (str text) "UTF-8"))
         encode   (fn [data] (.encodeToString (java.util.Base64/getEncoder) ^bytes data))
         word     (fn [text] (encode (utf8 text)))
         decode   (fn [^String text] (String. (.decode (java.util.Base64/getDecoder) text) "UTF-8"))
         clip     (fn [limit ^String text] (subs text 0 (min limit (count text))))

         ;; A connection that broke must not disturb what is evaluated: the reading end ends it.
         tell     (fn [id tag & words]
                    (when @open?
                      (let [line (str "\u0001" (apply str (interpose " " (list* id tag words))) "\n")]
                        (try
                          (locking out (.write out ^String line) (.flush out))
                          (catch java.io.IOException _ (reset! open? false))))))

         soon     (fn [^Runnable task]
                    (try
                      (.schedule timer task 50 java.util.concurrent.TimeUnit/MILLISECONDS)
                      (catch java.util.concurrent.RejectedExecutionException _)))

         ;; Passes at most `limit` bytes on, piece by piece, and counts all.
         sink     (fn [limit pass]
                    (let [buffer  (StringBuilder.)
                          counted (atom 0)
                          flush!  (fn [all?]
                                    (locking buffer
                                      (let [size (.length buffer)
                                            half? (and (pos? size) (not all?)
                                                       (Character/isHighSurrogate (.charAt buffer (dec size))))
                                            size (if half? (dec size) size)
                                            data (utf8 (.substring buffer 0 size))
                                            room (- limit @counted)
                                            kept (min room (count data))]
                                        (.delete buffer 0 (int size))
                                        (swap! counted + (count data))
                                        (when (pos? kept)
                                          (pass (java.util.Arrays/copyOf ^bytes data (int kept)))))))
                          put!    (fn [^CharSequence text]
                                    (locking buffer
                                      (loop [from 0]
                                        (when (< from (.length text))
                                          (let [room (- (long piece) (.length buffer))
                                              to   (min (.length text) (+ from room))]
                                            (.append buffer text (int from) (int to))
                                            (when (<= (long piece) (.length buffer)) (flush! false))
                                            (recur to))))))]
                      {:put! put! :flush! flush! :counted counted :over? #(< limit @counted)}))

         ;; A user's flush means nothing here: the buffer goes out when full, when due, and at the end.
         writer   (fn [put!]
                    (proxy [java.io.Writer] []
                      (write
                        ([x] (put! (cond (number? x) (String/valueOf (char (bit-and (long x) 0xffff)))
                                         (string? x) x
                                         :else (java.nio.CharBuffer/wrap ^chars x))))
                        ([x from size]
                         (put! (if (string? x)
                                 (java.nio.CharBuffer/wrap ^CharSequence x (int from) (int (+ from size)))
                                 (java.nio.CharBuffer/wrap ^chars x (int from) (int size))))))
                      (flush [])
                      (close [])))

         ;; Printing does not look at interrupts by itself, so a flood of it would never end.
         checker  (fn [asked? own]
                    (fn []
                      (when (and @asked? (identical? own (Thread/currentThread)) (Thread/interrupted))
                        (throw (InterruptedException. "interrupted while it printed")))))

         ;; Both streams share one buffer, which keeps their order.
         printers (fn [id limit check]
                    (let [stream (atom "out")
                          {:keys [put! flush!] :as output} (sink limit #(tell id @stream (encode %)))
                          due?   (atom false)
                          print! (fn [tag text]
                                   (check)
                                   (locking stream
                                     (when-not (= tag @stream)
                                       (flush! true)
                                       (reset! stream tag))
                                     (put! text))
                                   (when (compare-and-set! due? false true)
                                     (soon (fn []
                                             (reset! due? false)
                                             (locking stream (flush! false))))))]
                      (assoc output
                             :out (writer #(print! "out" %))
                             :err (java.io.PrintWriter. ^java.io.Writer (writer #(print! "err" %))))))

         ;; Asks for a text when it has none, and for no more after the end. A buffer reads it, which
         ;; holds a lock meanwhile and never asks for nothing.
         input    (fn [id ^java.util.concurrent.LinkedBlockingQueue fed]
                    (let [text  (atom "")
                          more! (fn []
                                  (when-not (.peek fed) (tell id "input"))
                                  (reset! text (.take fed)))]
                      (clojure.lang.LineNumberingPushbackReader.
                       (proxy [java.io.Reader] []
                         (read [to from size]
                           (when (= "" @text) (more!))
                           (if (= :end @text)
                             -1
                             (let [read (min (long size) (count @text))]
                               (.getChars ^String @text 0 (int read) ^chars to (int from))
                               (swap! text subs read)
                               read)))
                         (close [])))))

         ;; Printing stops at the limit, also that of an endless value.
         print-value
         (fn [id limit check value]
           (let [{:keys [put! flush! over?]} (sink limit #(tell id "part" (encode %)))
                 to (writer (fn [text]
                              (check)
                              (put! text)
                              (when (over?) (throw (Error. "the value is longer than its limit")))))]
             (try
               ((if *print-dup* print-dup print-method) value to)
               (catch Throwable thrown (when-not (over?) (throw thrown))))
             (flush! true)
             (tell id "value" (if (over?) 1 0))))

         ;; Compiler and reader wrap what went wrong; the wrapper knows the place.
         cause    (fn [thrown]
                    (let [inner (.getCause ^Throwable thrown)]
                      (if (and inner (or (instance? clojure.lang.Compiler$CompilerException thrown)
                                         (instance? clojure.lang.LispReader$ReaderException thrown)))
                        (recur inner)
                        thrown)))
         place    (fn [{:clojure.error/keys [source line column]}]
                    (when (and line (not= 0 line))
                      (let [file (or source *file*)]
                        (str " (" (when-not (contains? #{nil "NO_SOURCE_PATH" "NO_SOURCE_FILE" "REPL"} file)
                                    (str file ", "))
                             "line " line ", column " column ")"))))
         ours?    (fn [^StackTraceElement frame]
                    (and (= "clojure.lang.Compiler" (.getClassName frame)) (= "eval" (.getMethodName frame))))
         raised   (fn [id phase ^Throwable thrown]
                    (let [data  (ex-data thrown)
                          phase (if-let [told (:clojure.error/phase data)] (name told) phase)
                          ^Throwable inner (cause thrown)
                          message (try (.getMessage inner) (catch Throwable _ nil))]
                      (apply tell id "raised"
                             (word (clip 200 phase))
                             (word (clip 400 (.getName (class inner))))
                             (word (str (clip 4096 (str message))
                                        (when-not (= "execution" phase) (clip 400 (str (place data))))))
                             (map #(word (clip 200 (str %)))
                                  (take 40 (take-while (complement ours?) (.getStackTrace inner)))))))

         within   PREPL-WITHIN

         ;; A text that begins at a column is read behind so many spaces: there is no other way to say it.
         reader   (fn [{:keys [code line column]}]
                    (let [before (apply str (repeat (dec column) \space))]
                      (doto (clojure.lang.LineNumberingPushbackReader. (java.io.StringReader. (str before code)))
                        (.setLineNumber line))))

         ;; Reads and evaluates form by form, as a REPL does: what one form defines, the next one reads.
         ;; Of a whole file the last value alone is told. True when it came to the end of the text.
         forms    (fn [{:keys [id limit whole?] :as ask} check asked? flush! phase]
                    (let [text  (reader ask)
                          end   (Object.)
                          show! (fn [value]
                                  (flush! true)
                                  (reset! phase "print-eval-result")
                                  (print-value id limit check value)
                                  ;; After it was printed: a value that filled the heap is let go.
                                  (set! *3 *2)
                                  (set! *2 *1)
                                  (set! *1 value))]
                      (loop [latest nil]
                        (reset! phase "read-source")
                        (let [form (clojure.main/with-read-known
                                     (read {:eof end :read-cond :allow} text))]
                          (cond
                            (identical? form end) (do (when whole? (show! latest)) true)
                            @asked? false
                            :else
                            (do
                              (reset! phase "execution")
                              (let [value (eval form)]
                                (when-not whole? (show! value))
                                (recur (when whole? value)))))))))

         ;; What stack traces and definitions tell; as when Clojure loads a file itself.
         standing (fn [file]
                    {#'*file* file
                     #'*source-path* (subs file (inc (.lastIndexOf ^String file "/")))})

         ;; An evaluation in another namespace leaves the session where it was, unless it moves; a whole
         ;; file leaves it as it was.
         keep!    (fn [{:keys [space whole?]}]
                    (let [before @session
                          after  (merge (dissoc (get-thread-bindings)
                                                #'*out* #'*err* #'*in* #'*file* #'*source-path*)
                                        (select-keys before [#'*file* #'*source-path*]))]
                      (reset! session
                              (cond
                                whole? (merge before (select-keys after [#'*1 #'*2 #'*3 #'*e]))
                                (identical? *ns* space) (assoc after #'*ns* (get before #'*ns*))
                                :else after))))

         evaluate (fn [{:keys [id output-limit space function file] :as ask} asked? fed]
                    (let [check  (checker asked? (Thread/currentThread))
                          {:keys [out err flush! counted]} (printers id output-limit check)
                          phase  (atom nil)
                          all    #(forms ask check asked? flush! phase)
                          how    (atom {:raised 1})]
                      (with-bindings (merge @session
                                            (when space {#'*ns* space})
                                            (when file (standing file))
                                            {#'*out* out #'*err* err #'*in* (input id fed)})
                        (try
                          (let [ended (if function (within function all) {:value (all)})]
                            (reset! how (assoc ended :raised 0)))
                          (catch Throwable thrown
                            (set! *e thrown)
                            (flush! true)
                            (raised id @phase thrown))
                          (finally
                            (flush! true)
                            (keep! ask)
                            (reset! running nil)
                            ;; For a thread that it leaves behind.
                            (.put ^java.util.concurrent.LinkedBlockingQueue fed :end)
                            (if-let [reason (:refused @how)]
                              (tell id "uncalled" (word reason))
                              (tell id "done" (word (ns-name (get @session #'*ns*)))
                                    (:raised @how)
                                    (if (and @asked? (not (:value @how))) 1 0)
                                    @counted)))))))

         start    (fn [{:keys [id] :as ask}]
                    (let [asked? (atom false)
                          fed    (java.util.concurrent.LinkedBlockingQueue.)
                          thread (Thread. ^Runnable #(evaluate ask asked? fed) (str "prepl-eval-" id))]
                      (reset! running {:id id :thread thread :asked? asked? :fed fed})
                      (.setDaemon thread true)
                      (.start thread)))

         begin    (fn [whole? id value-limit output-limit space code & [function file line column]]
                    (let [found (when-not (= "-" space) (find-ns (symbol (decode space))))]
                      (cond
                        @running
                        (tell id "refused" (word "an evaluation is still running in this session"))
                        (not (or found (= "-" space)))
                        (tell id "refused" (word (str "no namespace " (clip 400 (decode space)) " is loaded")))
                        :else
                        (start {:id id
                                :limit (Long/parseLong value-limit)
                                :output-limit (Long/parseLong output-limit)
                                :space found
                                :code (decode code)
                                :function (when-not (= "-" function) function)
                                :file (some-> file decode)
                                :line (if line (Integer/parseInt line) 1)
                                :column (if column (Integer/parseInt column) 1)
                                :whole? whole?}))))

         feed     (fn [wanted & [text]]
                    (when-let [{:keys [id fed]} @running]
                      (when (= wanted id)
                        (.put ^java.util.concurrent.LinkedBlockingQueue fed (if text (decode text) :end)))))

         stop     (fn [wanted?]
                    (when-let [{:keys [id thread asked?]} @running]
                      (when (wanted? id)
                        (reset! asked? true)
                        (.interrupt ^Thread thread))))]
     (try
       (tell "-" "hello" 1 (word (clojure-version)) (word (System/getProperty "java.version")))
       (loop []
         (let [line (.readLine in)]
           (when-not (or (nil? line) (= "Q" line))
             (let [[op id & more] (.split ^String line " ")]
               (case op
                 ("E" "L") (apply begin (= "L" op) id more)
                 "N" (apply feed id more)
                 "I" (stop #{id})))
             (recur))))
       (finally
         (reset! open? false)
         (stop some?)
         (.shutdownNow timer))))))
